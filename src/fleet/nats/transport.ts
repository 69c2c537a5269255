import type { Clock } from '../../lib/clock.js'
import type { Log } from '../../lib/log.js'
import type { Parcel, Transport, TransportEvents } from '../transport.js'
import type { NodeName } from '../word.js'
import { versionWarning } from './server-version.js'
import { ensureStreams, publishKept } from './streams.js'
import { inboxOf, liveSubjects } from './subjects.js'
import { Wire, type WireOptions } from './wire.js'

export interface NatsTransportOptions extends Pick<WireOptions, 'servers' | 'tls' | 'credentials' | 'random'> {
  node: NodeName
  clock: Clock
  log: Log
  /** Of the streams, if they are to be made here; undefined: whoever set up the fleet has made them, nodes may not. */
  replicas?: number
}

/** Messages on their way to the broker at once. Further ones wait, up to `waitingMax`; beyond that they are refused and stay in the outbox. */
const windowSize = 64
const waitingMax = 1024
const ackMs = 5000

/** The fleet by NATS: core subscriptions for what is said now, JetStream for the last word on each subject. */
export class NatsTransport implements Transport {
  readonly kind = 'nats'
  readonly #options: NatsTransportOptions
  readonly #wire: Wire
  readonly #warned = new Set<string>()
  #events: TransportEvents | undefined
  #inFlight = 0
  readonly #waiting: (() => void)[] = []

  constructor(options: NatsTransportOptions) {
    this.#options = options
    const { node, servers, tls, credentials, clock, random } = options
    this.#wire = new Wire({
      servers,
      name: `tocsin ${node}`,
      inboxPrefix: inboxOf(node),
      clock,
      ...(tls === undefined ? {} : { tls }),
      ...(credentials === undefined ? {} : { credentials }),
      ...(random === undefined ? {} : { random }),
    })
  }

  /** Resolves after the first try. Without a broker it goes on trying, and the node on banning. */
  async start(events: TransportEvents): Promise<void> {
    this.#events = events
    for (const subject of liveSubjects)
      this.#wire.listen(subject, ({ subject, body }) => this.#onArrived({ subject, body }))
    await this.#wire.start({
      onConnected: () => void this.#onConnected(),
      onDisconnected: (reason) => events.onDisconnected(reason),
    })
  }

  async publish(parcel: Parcel, { id, ttlMs }: { id: string; ttlMs?: number }): Promise<void> {
    await this.#enter()
    try {
      if (parcel.subject.startsWith('sight.')) {
        // Counted within minutes or never: nobody keeps them.
        this.#wire.send(parcel.subject, parcel.body)
        await this.#wire.flush()
      } else await publishKept(this.#wire, parcel, { id, timeoutMs: ackMs, ...this.#lifetime(ttlMs) })
    } finally {
      this.#leave()
    }
  }

  async catchUp(_onParcel: (parcel: Parcel) => void): Promise<void> {}

  get state(): Transport['state'] {
    const { isConnected, server } = this.#wire
    return { connected: isConnected, url: server?.url, server: server?.version, lagMs: undefined }
  }

  async close(): Promise<void> {
    for (const go of this.#waiting.splice(0)) go()
    await this.#wire.close()
  }

  #lifetime(_ttlMs: number | undefined): { ttlMs?: number } {
    // The streams do not allow lifetimes of single messages (from 2.11 on only): the end is in the word.
    return {}
  }

  #onArrived(parcel: Parcel): void {
    this.#events?.onParcel(parcel)
  }

  async #onConnected(): Promise<void> {
    const { log, replicas } = this.#options
    const version = this.#wire.server?.version ?? ''
    const warning = this.#warned.has(version) ? undefined : versionWarning(version)
    this.#warned.add(version)
    if (warning !== undefined) log.write('WARNING', 'fleet', warning)
    try {
      if (replicas !== undefined) await ensureStreams(this.#wire, replicas)
    } catch (error) {
      // What is said now arrives without them; the outbox keeps the rest until they are there.
      log.write('ERROR', 'fleet', `Cannot prepare the broker: ${String(error)}`)
    }
    if (this.#wire.isConnected) this.#events?.onConnected()
  }

  async #enter(): Promise<void> {
    if (this.#inFlight >= windowSize) {
      if (this.#waiting.length >= waitingMax) throw new Error('Cannot publish now: too much is on its way')
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    this.#inFlight++
  }

  #leave(): void {
    this.#inFlight--
    this.#waiting.shift()?.()
  }
}
