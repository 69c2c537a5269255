import { metricsText } from '../api/metrics.js'
import { listenForMetrics } from '../api/metrics-server.js'
import { routes } from '../api/routes.js'
import { listen } from '../api/server.js'
import { messageOf } from '../lib/error-message.js'
import { CannotStart } from './cannot-start.js'
import type { Control } from './control/control.js'
import { type ClientSocket, listenForClients } from './control/listen.js'
import { groupId } from './group-id.js'
import { metricsOf } from './metrics.js'
import type { DaemonOperations } from './operations.js'
import { openRingerPort } from './ringer-port.js'
import type { State } from './state.js'

export interface DoorsOptions {
  state: State
  operations: DaemonOperations
  control: Control
  /** Nobody is answered before. */
  ready: Promise<void>
}

/** By which others come in: our socket, Fail2ban's, the ports for metrics and for programs with a token. */
export class Doors {
  readonly #options: DoorsOptions
  readonly #open: { close(): Promise<void> }[] = []
  #clients: ClientSocket | undefined

  constructor(options: DoorsOptions) {
    this.#options = options
  }

  /** Our own socket: whoever has it is the one daemon of its directory. Throws CannotStart, as `open` does. */
  claim(): Promise<void> {
    return this.#opening(() => this.#listen())
  }

  /** All others. */
  async open(): Promise<void> {
    const { state, control, ready } = this.#options
    await this.#opening(async () => {
      this.#clients = await listenForClients(control, state, ready)
      return this.#clients
    })
    await this.#opening(() => this.#listenForMetrics())
    await this.#opening(() => openRingerPort(state, ready))
  }

  /** From now on Fail2ban's clients hear that the server ends. */
  announceEnd(): void {
    this.#clients?.end()
  }

  /** Answers that are due are still given. */
  async close(): Promise<void> {
    await Promise.all(this.#open.splice(0).map((door) => door.close()))
  }

  async #opening(open: () => Promise<{ close(): Promise<void> } | undefined>): Promise<void> {
    try {
      const door = await open()
      if (door !== undefined) this.#open.push(door)
    } catch (error) {
      throw new CannotStart(messageOf(error))
    }
  }

  async #listen() {
    const { state, operations, ready } = this.#options
    const app = routes(operations, ready)
    const { group } = state.config.own.api
    return listen((request, rights) => app.fetch(request, { rights }), {
      socket: state.paths.apiSocket,
      ...(group !== undefined && { group: groupId(group) }),
    })
  }

  /** For scrapers that do not reach our socket, if it is asked for. */
  async #listenForMetrics() {
    const { state, ready } = this.#options
    const { metrics } = state.config.own.api
    if (metrics === undefined) return undefined
    const text = async () => {
      await ready
      return metricsText(await metricsOf(state))
    }
    return listenForMetrics(text, metrics)
  }
}
