import type { KeyObject } from 'node:crypto'
import type { Clock } from '../../lib/clock.js'
import { messageOf } from '../../lib/error-message.js'
import type { Log } from '../../lib/log.js'
import type { Facts } from '../calls/facts.js'
import type { MemberOf } from '../member.js'
import { signAt } from '../message/signature.js'
import type { Parcel } from '../transport.js'
import type { NodeName, Word } from '../word.js'
import { type Heartbeat, openHeartbeat, partsMax, type SnapshotMark, sealHeartbeat } from './heartbeat.js'
import { encodePart, wordsPerPart } from './snapshot.js'
import { infoOf, lastOf, publishKept } from './streams.js'
import { heartbeatSubject, snapshotSubject } from './subjects.js'
import type { Wire } from './wire.js'

/** All that a node itself says now: its bans in force, its unbans whose time is not over. Nothing that it has heard from others. */
export interface OwnWords {
  /** Number of its last word. */
  seq: number
  /** Every word up to this one has been told; missing: all of them have. */
  toldSeq?: number
  words: Iterable<Word>
}

export interface OwnStateOptions {
  wire: Wire
  node: NodeName
  fleet: string
  key: KeyObject
  memberOf: MemberOf
  own(): OwnWords
  /** How this machine is; missing: it does not say. */
  facts?: () => Facts
  clock: Clock
  log: Log
  /** 0 ≤ x < 1 */
  random: () => number
  /** Others have heard a higher number from us than we know of: an old disk image, or a second node with our key. */
  onAhead(seq: number): void
  /** This goes out now. */
  onTold(parcel: Parcel): void
}

/** A burst of words has one heartbeat, so long after its first. Who joins reads the words of the last `tailMs` one by one. */
const heartbeatMs = 5000
/** Without anything new: so that others see us, and the broker keeps it. */
const idleHeartbeatMs = 300_000
const snapshotMs = 60_000
/** The broker forgets after a week. */
const refreshMs = 86_400_000

/**
 * Keeps at the broker, in the node's own name and under its own signature, a snapshot of all that it says: written anew a minute after
 * a change. No node speaks for another, so there is nobody to elect, and nobody who could lie about others.
 */
export class OwnState {
  readonly #options: OwnStateOptions
  #snapshot: SnapshotMark | undefined
  #snapshotAtMs = 0
  #cancelHeartbeat: (() => void) | undefined
  #cancelSnapshot: (() => void) | undefined
  #isSoon = false
  #isBusy = false
  #isClosed = false

  constructor(options: OwnStateOptions) {
    this.#options = options
  }

  /** Compares what the broker has of us with what we say, and tells it anew if that differs. */
  async onConnected(): Promise<void> {
    const { wire, node, fleet, memberOf, own, onAhead, clock } = this.#options
    const kept = await lastOf(wire, 'STATE', heartbeatSubject(node))
    const opened = kept && openHeartbeat({ subject: heartbeatSubject(node), body: kept.body }, { fleet, memberOf })
    const known = opened !== undefined && 'heartbeat' in opened ? opened : undefined
    if (known !== undefined && known.heartbeat.seq > own().seq) onAhead(known.heartbeat.seq)
    const { snapshot } = known?.heartbeat ?? {}
    const isFresh = known !== undefined && clock.now() - known.atMs < refreshMs
    if (snapshot !== undefined && isFresh && snapshot.seq === own().seq) this.#snapshot = snapshot
    else if (snapshot !== undefined && this.#snapshot === undefined) this.#snapshot = { ...snapshot, seq: -1 }
    if (this.#snapshot?.seq !== own().seq) await this.publish()
    else if (known?.heartbeat.address !== wire.address || known?.heartbeat.seq !== own().seq) await this.#beat()
    this.#schedule(idleHeartbeatMs)
  }

  /** Words have been told. */
  onTold(): void {
    this.#schedule(heartbeatMs)
    if (this.#cancelSnapshot !== undefined || this.#isClosed) return
    const { clock } = this.#options
    const waitMs = Math.max(heartbeatMs, this.#snapshotAtMs + snapshotMs - clock.now())
    this.#cancelSnapshot = clock.after(waitMs, () => {
      this.#cancelSnapshot = undefined
      void this.publish()
    })
  }

  /** Writes the snapshot now. Never rejects: what fails is tried again with the next change or connection. */
  async publish(): Promise<void> {
    if (this.#isBusy || this.#isClosed) return
    this.#isBusy = true
    try {
      await this.#publish()
    } catch (error) {
      this.#options.log.write('INFO', 'fleet', `Our snapshot is not written: ${messageOf(error)}`)
    } finally {
      this.#isBusy = false
    }
  }

  close(): void {
    this.#isClosed = true
    this.#cancelHeartbeat?.()
    this.#cancelSnapshot?.()
  }

  async #publish(): Promise<void> {
    const { wire, own, clock } = this.#options
    this.#snapshotAtMs = clock.now()
    // In this order: whatever is in the stream up to here has been said before, so it is among our words now.
    const { lastSeq: streamSeq } = await infoOf(wire, 'BANS')
    const { seq, words } = own()
    const set = this.#snapshot?.set === 'a' ? 'b' : 'a'
    const id = `${seq}-${clock.now()}`
    const parts = await this.#publishParts(words, { set, id })
    this.#snapshot = { set, id, parts, seq, streamSeq }
    await this.#beat()
  }

  async #publishParts(words: Iterable<Word>, { set, id }: Pick<SnapshotMark, 'set' | 'id'>): Promise<number> {
    const { wire, node, fleet, key } = this.#options
    let part = 0
    for (const some of slices(words)) {
      // Full: who says more than 10 million words is not believed by anybody either.
      if (part >= partsMax) break
      const subject = snapshotSubject(node, set, part)
      const packed = await encodePart({ id, part, words: some })
      const body = Buffer.concat([signAt(packed, { fleet, subject }, key), packed])
      await publishKept(wire, { subject, body }, { timeoutMs: 30_000 })
      part++
    }
    return part
  }

  async #beat(): Promise<void> {
    const { wire, node, fleet, key, own, clock } = this.#options
    // Not what is yet to be told: in the midst of a burst everybody would take it to be lost, and read all of us anew.
    const { seq, toldSeq = seq } = own()
    const heartbeat: Heartbeat = {
      seq: toldSeq,
      snapshot: this.#snapshot,
      address: wire.address,
      facts: this.#options.facts?.(),
    }
    const parcel = sealHeartbeat(heartbeat, { node, fleet, key, atMs: clock.now() })
    this.#options.onTold(parcel)
    await publishKept(wire, parcel)
    if (toldSeq < seq) this.#schedule(heartbeatMs)
  }

  #schedule(waitMs: number): void {
    if (this.#isClosed || this.#isSoon) return
    this.#cancelHeartbeat?.()
    this.#isSoon = waitMs === heartbeatMs
    const { clock, random, log, wire } = this.#options
    const jitterMs = this.#isSoon ? 0 : waitMs * 0.2 * random()
    this.#cancelHeartbeat = clock.after(waitMs + jitterMs, () => {
      this.#isSoon = false
      if (wire.isConnected)
        this.#beat().catch((error: unknown) => {
          log.write('INFO', 'fleet', `Our heartbeat is not told: ${messageOf(error)}; it is tried again`)
          this.#schedule(heartbeatMs)
        })
      this.#schedule(idleHeartbeatMs)
    })
  }
}

function* slices(words: Iterable<Word>): Iterable<Word[]> {
  let slice: Word[] = []
  for (const word of words) {
    slice.push(word)
    if (slice.length < wordsPerPart) continue
    yield slice
    slice = []
  }
  if (slice.length > 0) yield slice
}
