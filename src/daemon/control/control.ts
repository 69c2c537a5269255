import { isDeepStrictEqual } from 'node:util'
import {
  type Command,
  CommandError,
  type ControlledJail,
  duplicateJail,
  type Fail2banServer,
  type ReloadRequest,
  unknownJail,
} from '../../compat/fail2ban-server.js'
import { blankJail } from '../../config/edit.js'
import { jailsOfStream } from '../../config/from-stream.js'
import { commandStream } from '../../config/stream.js'
import type { PyValue } from '../../lib/python-repr.js'
import { letOut } from '../by-hand.js'
import type { JailRuns } from '../jail-runs.js'
import type { JailUnit } from '../jails.js'
import type { Reloader } from '../reload.js'
import { manualScope, type State } from '../state.js'
import { buildOrThrow, orThrow } from './build.js'
import { JailControl } from './jail-control.js'
import { ServerOptions } from './server-options.js'

export interface ControlOptions {
  state: State
  runs: JailRuns
  reloader: Reloader
  /** Begins the end of the daemon; resolves when all jails have stopped. */
  stop(): Promise<void>
  flushLog(): 'rolled over' | 'flushed'
}

/** Fail2ban's commands, carried out on the running daemon (spec 7.3). */
export class Control implements Fail2banServer {
  readonly #options: ControlOptions
  readonly #settings: ServerOptions

  constructor(options: ControlOptions) {
    this.#options = options
    this.#settings = new ServerOptions(options.state)
  }

  jailNames(): readonly string[] {
    return [...this.#options.state.jails.keys()]
  }

  jail(name: string): ControlledJail {
    const { state, runs } = this.#options
    return new JailControl(state, runs, this.#unit(name))
  }

  async addJail(name: string, backend: string): Promise<void> {
    const { state, runs } = this.#options
    if (state.jails.has(name)) throw duplicateJail(name)
    await runs.add(
      buildOrThrow(
        orThrow(() => blankJail(name, backend)),
        state,
      ),
    )
  }

  async startJail(name: string): Promise<void> {
    const unit = this.#unit(name)
    if (unit.state === 'added') await this.#options.runs.follow([unit])
    else this.#options.runs.resume(unit)
  }

  async stopJail(name: string): Promise<void> {
    await this.#options.runs.end(this.#unit(name))
  }

  async stopAllJails(): Promise<void> {
    const { state, runs } = this.#options
    state.log.write('INFO', 'server', 'Stopping all jails')
    for (const unit of [...state.jails.values()]) await runs.end(unit)
  }

  stop(): Promise<void> {
    return this.#options.stop()
  }

  async reload({ jail, stream, ...options }: ReloadRequest): Promise<void> {
    const { state, reloader } = this.#options
    if (options.ifExists && jail !== undefined && !state.jails.has(jail)) return
    const only = jail === undefined ? {} : { only: jail }
    const outcome = this.#isOwnStream(stream)
      ? await reloader.reload({ ...options, ...only })
      : await reloader.reload({ ...options, ...only, from: jailsOfStream(stream) })
    if (outcome.ok) return
    const reasons = outcome.problems.filter(({ severity }) => severity === 'error').map(({ message }) => message)
    throw new CommandError('builtins.Exception', `Reload refused, nothing has changed: ${reasons.join('; ')}`)
  }

  takeStream(stream: readonly Command[]): Promise<void> {
    return this.reload({ jail: undefined, unban: false, restart: false, ifExists: false, stream })
  }

  get(setting: string): PyValue {
    return this.#settings.get(setting)
  }

  async set(setting: string, value: PyValue): Promise<PyValue> {
    return this.#settings.set(setting, value)
  }

  flushLogs(): 'rolled over' | 'flushed' {
    return this.#options.flushLog()
  }

  async unban(ids: readonly string[] | 'all'): Promise<number> {
    const { state } = this.#options
    if (ids !== 'all') return (await letOut(state, ids)).reduce((sum, count) => sum + count, 0)
    const { bans, jails, positions } = state
    const lifted = bans.liftAll([...jails.keys(), manualScope.jail])
    await bans.settled()
    positions.save()
    return lifted
  }

  configError(text: string): void {
    this.#options.state.log.write('ERROR', 'transmitter', text)
  }

  #unit(name: string): JailUnit {
    const unit = this.#options.state.jails.get(name)
    if (unit === undefined) throw unknownJail(name)
    return unit
  }

  /**
   * Whether a client has read the same files as we would. Then we read them ourselves: files say more than a stream (globs of
   * logs that do not exist yet, places of errors, our own options).
   */
  #isOwnStream(stream: readonly Command[]): boolean {
    const { dir } = this.#options.state.config
    const own = commandStream({ dir, missingLogs: 'warning', ignoreWrong: true })
    if (own.kind === 'failed') return false
    const jails = new Set(stream.map(jailOf))
    const comparable = (commands: readonly Command[]) =>
      commands.filter((command) => jails.has(jailOf(command)) && counts(command))
    return isDeepStrictEqual(comparable(own.commands), comparable(stream))
  }
}

function jailOf([verb, name]: Command): string {
  return verb === 'start' || verb === 'add' || verb === 'multi-set' || verb === 'set' ? String(name) : ''
}

/** A log may have appeared between two readings, and releases of Fail2ban differ in what they say of the server. */
function counts([verb, , option]: Command): boolean {
  return (verb === 'set' || verb === 'multi-set') && option !== 'addlogpath'
}
