import { type FSWatcher, mkdirSync, watch } from 'node:fs'
import type { Clock } from '../../lib/clock.js'
import { messageOf } from '../../lib/error-message.js'
import type { Log } from '../../lib/log.js'
import { hostsOf } from '../nats/broker-urls.js'
import { ensureServerCertificate, writeServerFiles } from '../nats/managed.js'
import { SupervisedServer } from '../nats/supervise.js'
import type { Parcel } from '../transport.js'
import { EnrolServer } from './enrol-server.js'
import type { FleetDir } from './fleet-dir.js'
import { certificatesIn } from './membership.js'

export interface FleetHostOptions {
  dir: FleetDir
  /** Of the broker (nats/managed brokerStateDir). */
  stateDir: string
  /** Where the broker listens that we run; undefined: others run it. */
  listen: { host: string; port: number } | undefined
  /** Where machines with an invitation come; undefined: nowhere. */
  enrol: { host: string; port: number } | undefined
  log: Log
  clock: Clock
  /** What the operator has signed since: to be published on their subjects. All of it at the start, then what is new. */
  onCertificates(parcels: readonly Parcel[]): void
  onServerReady?: () => void
  onServerDown?: (reason: string) => void
}

/** A burst of changes of the members is told once. */
const settleMs = 100

/** What runs only where the fleet was made: the broker, the door for new machines, and the eye on who is in. */
export class FleetHost {
  readonly #options: FleetHostOptions
  readonly #told = new Set<string>()
  #server: SupervisedServer | undefined
  #door: EnrolServer | undefined
  #watcher: FSWatcher | undefined
  #cancelTelling = () => {}
  #isClosed = false

  constructor(options: FleetHostOptions) {
    this.#options = options
  }

  /**
   * Rejects when there is no nats-server, no operator's key, or somebody else listens where machines join. The broker may become ready later
   * than this resolves.
   */
  async start(): Promise<void> {
    try {
      await this.#start()
    } catch (error) {
      await this.close()
      throw error
    }
  }

  get serverState(): SupervisedServer['state'] | undefined {
    return this.#server?.state
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelTelling()
    this.#watcher?.close()
    await Promise.all([this.#door?.close(), this.#server?.close()])
  }

  async #start(): Promise<void> {
    const { dir, stateDir, listen, enrol, log, clock, onServerReady, onServerDown } = this.#options
    if (listen !== undefined) {
      const files = writeServerFiles({ dir, stateDir, listen, nowMs: clock.now() })
      const told = { ...(onServerReady && { onReady: onServerReady }), ...(onServerDown && { onDown: onServerDown }) }
      this.#server = new SupervisedServer({ ...files, ...told, log, clock })
      await this.#server.start()
    }
    if (enrol !== undefined) {
      const { fleet = '', url = '' } = dir.facts() ?? {}
      const certified = ensureServerCertificate(dir, {
        fleet,
        hosts: [...hostsOf(url), enrol.host],
        nowMs: clock.now(),
      })
      this.#door = new EnrolServer({ dir, certified, listen: enrol, log, clock })
      await this.#door.start()
    }
    this.#watchMembers()
    this.#tell()
  }

  /** `tocsin fleet revoke` is another process: it writes, we see it. */
  #watchMembers(): void {
    const { dir, clock } = this.#options
    mkdirSync(dir.at('members'), { recursive: true, mode: 0o700 })
    let isPending = false
    this.#watcher = watch(dir.at('members'), { persistent: false }, () => {
      if (isPending || this.#isClosed) return
      isPending = true
      this.#cancelTelling = clock.after(settleMs, () => {
        isPending = false
        this.#tell()
      })
    })
    this.#watcher.on('error', () => {})
  }

  #tell(): void {
    const { dir, log, onCertificates } = this.#options
    try {
      const fresh = certificatesIn(dir).filter(({ body }) => !this.#told.has(Buffer.from(body).toString('base64url')))
      for (const { body } of fresh) this.#told.add(Buffer.from(body).toString('base64url'))
      if (fresh.length > 0) onCertificates(fresh)
    } catch (error) {
      // A file that is none of ours: the members before are told already, and the next change tries again.
      log.write('ERROR', 'fleet', `Cannot tell who is in the fleet: ${messageOf(error)}`)
    }
  }
}
