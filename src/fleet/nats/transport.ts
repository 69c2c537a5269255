import type { KeyObject } from 'node:crypto'
import type { Clock } from '../../lib/clock.js'
import { messageOf } from '../../lib/error-message.js'
import type { Log } from '../../lib/log.js'
import type { Facts } from '../calls/facts.js'
import type { MemberOf } from '../member.js'
import { openFields } from '../message/envelope.js'
import type { Parcel, Transport, TransportEvents } from '../transport.js'
import type { NodeName, Word } from '../word.js'
import { catchUp } from './catch-up.js'
import { Gaps } from './gaps.js'
import { type Heartbeat, openHeartbeat } from './heartbeat.js'
import { OwnState, type OwnWords } from './own-state.js'
import { OwnSubjects } from './own-subjects.js'
import { versionWarning } from './server-version.js'
import { ensureStreams, lastOf, publishKept } from './streams.js'
import { answersTo, heartbeatSubject, inboxOf, liveSubjects } from './subjects.js'
import { Wire, type WireOptions } from './wire.js'

export interface NatsTransportOptions
  extends Pick<WireOptions, 'servers' | 'tls' | 'credentials' | 'random' | 'pingMs'> {
  node: NodeName
  fleet: string
  /** Ed25519, private: signs snapshots and heartbeats. */
  key: KeyObject
  memberOf: MemberOf
  /** What snapshots are made of; undefined: this one only listens, or tells nothing that lasts. */
  own?: () => OwnWords
  /** How this machine is: told with each heartbeat. */
  facts?: () => Facts
  clock: Clock
  log: Log
  /** Of the streams, if they are to be made here; undefined or 0: whoever set up the fleet has made them, nodes may not. */
  replicas?: number
}

/** Messages on their way to the broker at once. Further ones wait, up to `waitingMax`; beyond that they are refused and stay in the outbox. */
const windowSize = 64
const waitingMax = 1024
const ackMs = 3000
const againMs = 2000

/** Counted or answered at once, or never: nobody keeps it. */
const passing = /^(?:sight|call|answer)\./

/** The fleet by NATS: core subscriptions for what is said now, JetStream for the last word on each subject, a signed snapshot of each node. */
export class NatsTransport implements Transport {
  readonly kind = 'nats'
  readonly #options: NatsTransportOptions
  readonly #wire: Wire
  readonly #gaps = new Gaps()
  readonly #ownSubjects: OwnSubjects
  readonly #ownState: OwnState | undefined
  readonly #warned = new Set<string>()
  #events: TransportEvents | undefined
  #inFlight = 0
  readonly #waiting: (() => void)[] = []
  #lagMs: number | undefined

  constructor(options: NatsTransportOptions) {
    this.#options = options
    const { node, servers, tls, credentials, pingMs, clock, random = Math.random, own } = options
    this.#wire = new Wire({
      servers,
      name: `tocsin ${node}`,
      inboxPrefix: inboxOf(node),
      clock,
      random,
      ...(pingMs === undefined ? {} : { pingMs }),
      ...(tls === undefined ? {} : { tls }),
      ...(credentials === undefined ? {} : { credentials }),
    })
    this.#ownSubjects = new OwnSubjects(node, clock)
    const onAhead = (seq: number) => this.#events?.onAhead?.(seq)
    const onTold = (parcel: Parcel) => this.#ownSubjects.told(parcel)
    this.#ownState = own && new OwnState({ ...options, own, random, wire: this.#wire, onAhead, onTold })
  }

  /** Resolves after the first try. Without a broker it goes on trying, and the node on banning. */
  async start(events: TransportEvents): Promise<void> {
    this.#events = events
    for (const subject of [...liveSubjects, answersTo(this.#options.node)])
      this.#wire.listen(subject, ({ subject, body }) => this.#onArrived({ subject, body }))
    await this.#wire.start({
      onConnected: () => void this.#onConnected(),
      onDisconnected: (reason) => events.onDisconnected(reason),
    })
  }

  /** Told twice, as after a crash, a message replaces itself, and its words have no effect on who has heard them (fleet/sequence). */
  async publish(parcel: Parcel): Promise<void> {
    await this.#enter()
    try {
      const isKept = !passing.test(parcel.subject)
      if (isKept || parcel.subject.startsWith('sight.')) this.#ownSubjects.told(parcel)
      const fromMs = this.#options.clock.now()
      if (!isKept) {
        this.#wire.send(parcel.subject, parcel.body)
        await this.#wire.flush()
      } else {
        await publishKept(this.#wire, parcel, { timeoutMs: ackMs })
        if (parcel.subject.startsWith('bans.')) this.#ownState?.onTold()
      }
      this.#lagMs = this.#options.clock.now() - fromMs
    } finally {
      this.#leave()
    }
  }

  async catchUp(
    onParcel: (parcel: Parcel) => void,
    onSnapshot?: (node: NodeName, words: Iterable<Word>) => void,
  ): Promise<void> {
    const { fleet, memberOf, clock, log } = this.#options
    const onHeartbeat = (node: NodeName, heartbeat: Heartbeat, atMs: number) => this.#tellAlive(node, heartbeat, atMs)
    const common = { wire: this.#wire, fleet, memberOf, gaps: this.#gaps, clock, log, onParcel, onHeartbeat }
    await catchUp({ ...common, ...(onSnapshot === undefined ? {} : { onSnapshot }) })
  }

  heard(node: NodeName, seqs: readonly number[]): void {
    for (const seq of seqs) this.#gaps.heard(node, seq)
  }

  forget(node: NodeName): void {
    this.#gaps.forget(node)
  }

  async look(node: NodeName): Promise<void> {
    const subject = heartbeatSubject(node)
    const kept = await lastOf(this.#wire, 'STATE', subject)
    if (kept !== undefined) this.#onHeartbeat({ subject, body: kept.body })
  }

  /** Writes our snapshot now, not in a minute. */
  async snapshot(): Promise<void> {
    await this.#ownState?.publish()
  }

  get state(): Transport['state'] {
    const { isConnected, server, trouble } = this.#wire
    return { connected: isConnected, url: server?.url, server: server?.version, lagMs: this.#lagMs, trouble }
  }

  async close(): Promise<void> {
    this.#ownState?.close()
    await this.#wire.close()
    for (const go of this.#waiting.splice(0)) go()
  }

  #onArrived(parcel: Parcel): void {
    if (this.#ownSubjects.isForeign(parcel)) this.#onForeign(parcel)
    else if (parcel.subject.startsWith('hb.')) this.#onHeartbeat(parcel)
    else this.#events?.onParcel(parcel)
  }

  #onHeartbeat(parcel: Parcel): void {
    if (parcel.subject === `hb.${this.#options.node}`) return
    const opened = openHeartbeat(parcel, this.#options)
    if (opened === undefined || !('heartbeat' in opened)) return
    const { node, heartbeat } = opened
    this.#tellAlive(node, heartbeat, this.#options.clock.now())
    if (this.#gaps.isBehind(node, heartbeat.seq)) this.#events?.onGap?.(node)
  }

  #tellAlive(node: NodeName, { address, facts }: Heartbeat, atMs: number): void {
    if (node === this.#options.node) return
    this.#events?.onAlive?.(node, { atMs, facts })
    if (address !== undefined) this.#events?.onAddress?.(node, address)
  }

  #onForeign(parcel: Parcel): void {
    const isSigned = !('refused' in openFields(parcel.body, { ...this.#options, subject: parcel.subject }))
    this.#events?.onForeignParcel?.(parcel, isSigned)
    const again = this.#ownSubjects.repeat(parcel.subject)
    // Not now: whatever is forged is refused by everybody, and our snapshot has what we say.
    if (again !== undefined) publishKept(this.#wire, again).catch(() => {})
  }

  async #onConnected(): Promise<void> {
    const { log, replicas } = this.#options
    const version = this.#wire.server?.version ?? ''
    const warning = this.#warned.has(version) ? undefined : versionWarning(version)
    this.#warned.add(version)
    if (warning !== undefined) log.write('WARNING', 'fleet', warning)
    // What is said now arrives without the streams too; the outbox keeps the rest until they are there.
    if (replicas !== undefined && replicas > 0) await this.#prepare(replicas)
    if (!this.#wire.isConnected) return
    this.#events?.onConnected()
    await this.#tellState()
  }

  /** Once now; what does not succeed is tried again meanwhile. */
  async #prepare(replicas: number): Promise<void> {
    if (!this.#wire.isConnected || (await this.#attempt(ensureStreams(this.#wire, replicas)))) return
    this.#options.clock.after(againMs, () => void this.#prepare(replicas))
  }

  /** Until it is done: a cluster without a leader takes its time. */
  async #tellState(): Promise<void> {
    if (this.#ownState === undefined || !this.#wire.isConnected) return
    if (await this.#attempt(this.#ownState.onConnected())) return
    this.#options.clock.after(againMs, () => void this.#tellState())
  }

  async #attempt(work: Promise<void>): Promise<boolean> {
    try {
      await work
      return true
    } catch (error) {
      this.#options.log.write('INFO', 'fleet', `Cannot use the broker as a store yet: ${messageOf(error)}`)
      return false
    }
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
