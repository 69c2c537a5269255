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
/** What could not be started: a package may be installed, a port let go of. */
const startAgainMs = 10_000

/** What runs only where the fleet was made: the broker, the door for new machines, and the eye on who is in. */
export class FleetHost {
  readonly #options: FleetHostOptions
  readonly #told = new Set<string>()
  #server: SupervisedServer | undefined
  #door: EnrolServer | undefined
  #watcher: FSWatcher | undefined
  #cancelTelling = () => {}
  /** What is started again later, and how that is called off. */
  readonly #later = new Map<string, () => void>()
  readonly #complaints = new Map<string, string>()
  #isClosed = false

  constructor(options: FleetHostOptions) {
    this.#options = options
  }

  /**
   * Rejects when there is no operator's key. The broker may become ready later than this resolves; where there is no nats-server, or somebody
   * else listens where machines join, that is told and tried again, and the rest works meanwhile.
   */
  async start(): Promise<void> {
    const { dir, stateDir, listen, enrol, log, clock, onServerReady, onServerDown } = this.#options
    if (listen !== undefined) {
      const files = writeServerFiles({ dir, stateDir, listen, nowMs: clock.now() })
      const told = { ...(onServerReady && { onReady: onServerReady }), ...(onServerDown && { onDown: onServerDown }) }
      const server = new SupervisedServer({ ...files, ...told, log, clock })
      this.#server = server
      await this.#keepTrying('broker', () => server.start())
    }
    if (enrol !== undefined) await this.#keepTrying('door for new machines', () => this.#openDoor(enrol))
    if (this.#isClosed) return
    this.#watchMembers()
    this.#tell()
  }

  get serverState(): SupervisedServer['state'] | undefined {
    return this.#server?.state
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelTelling()
    for (const cancel of this.#later.values()) cancel()
    this.#watcher?.close()
    await Promise.all([this.#door?.close(), this.#server?.close()])
  }

  /** Resolves after the first try; what hinders it is said once. */
  async #keepTrying(what: string, start: () => Promise<void>): Promise<void> {
    const { log, clock } = this.#options
    if (this.#isClosed) return
    try {
      await start()
      if (this.#complaints.delete(what)) log.write('NOTICE', 'fleet', `The ${what} works now`)
    } catch (error) {
      const complaint = messageOf(error)
      if (this.#complaints.get(what) !== complaint)
        log.write('ERROR', 'fleet', `${complaint}; it is tried again every ${startAgainMs / 1000} s`)
      this.#complaints.set(what, complaint)
      if (!this.#isClosed)
        this.#later.set(
          what,
          clock.after(startAgainMs, () => void this.#keepTrying(what, start)),
        )
    }
  }

  async #openDoor(listen: { host: string; port: number }): Promise<void> {
    const { dir, log, clock } = this.#options
    const { fleet = '', url = '' } = dir.facts() ?? {}
    const hosts = [...hostsOf(url), listen.host]
    const certified = ensureServerCertificate(dir, { fleet, hosts, nowMs: clock.now() })
    const door = new EnrolServer({ dir, certified, listen, log, clock })
    await door.start()
    if (this.#isClosed) return door.close()
    this.#door = door
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
    const onDamaged = (error: unknown) => log.write('ERROR', 'fleet', `Cannot tell of a member: ${messageOf(error)}`)
    const textOf = ({ body }: Parcel) => Buffer.from(body).toString('base64url')
    const fresh = certificatesIn(dir, onDamaged).filter((parcel) => !this.#told.has(textOf(parcel)))
    for (const parcel of fresh) this.#told.add(textOf(parcel))
    if (fresh.length > 0) onCertificates(fresh)
  }
}
