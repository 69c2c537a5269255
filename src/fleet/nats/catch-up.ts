import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../lib/clock.js'
import { messageOf } from '../../lib/error-message.js'
import { InTurn } from '../../lib/in-turn.js'
import type { Log } from '../../lib/log.js'
import type { MemberOf } from '../member.js'
import { isSignedAt, signatureBytes } from '../message/signature.js'
import type { Parcel } from '../transport.js'
import type { NodeName, Word } from '../word.js'
import type { Gaps } from './gaps.js'
import { type Heartbeat, openHeartbeat, type SnapshotMark } from './heartbeat.js'
import { readStream } from './read-stream.js'
import { decodePart, type ReadPart } from './snapshot.js'
import { infoOf, lastOf } from './streams.js'
import { heartbeatSubject, snapshotSubject } from './subjects.js'
import type { Wire } from './wire.js'

export interface CatchUpOptions {
  wire: Wire
  fleet: string
  memberOf: MemberOf
  gaps: Gaps
  clock: Clock
  log: Log
  /** Signed by the node that is told of it. Missing: snapshots are left out, and all words read one by one. */
  onSnapshot?: (node: NodeName, words: Iterable<Word>) => void
  onParcel(parcel: Parcel): void
  /** The last of each member, by its own word; `atMs` by its own clock. */
  onHeartbeat?(node: NodeName, heartbeat: Heartbeat, atMs: number): void
}

/** Heartbeats come up to five seconds after a word; so far back words are read one by one. */
const tailMs = 15_000
/** Questions at once. */
const heartbeatsAtOnce = 64
const nodesAtOnce = 4
const partsAtOnce = 4
/** Words of a snapshot that are heard in one go: 10 ms. */
const wordsAtOnce = 2000

interface Reading extends CatchUpOptions {
  /** One slice of a snapshot in each turn of the event loop: what is live comes in between, and the kernel's answers. */
  hearing: InTurn
}

/**
 * Everything that we lack: what operators say, then of each node whose number we are behind its snapshot (or all its words, when
 * there is none that is signed by it), then what came after that.
 */
export async function catchUp(options: CatchUpOptions): Promise<void> {
  const { wire, clock, onParcel, gaps } = options
  const reading: Reading = { ...options, hearing: new InTurn() }
  const { lastMs } = await infoOf(wire, 'BANS')
  await readStream(wire, { stream: 'CTL', filter: 'ctl.>', clock }, onParcel)
  const heartbeats = await heartbeatsOf(options)
  if (heartbeats.size === 0) {
    await readStream(wire, { stream: 'BANS', filter: 'bans.>', clock }, onParcel)
    return
  }
  const behind = [...heartbeats].filter(
    ([node, heartbeat]) => heartbeat === undefined || gaps.isBehind(node, heartbeat.seq),
  )
  await inParallel(behind, nodesAtOnce, ([node, heartbeat]) => catchUpWith(node, heartbeat, reading))
  if (lastMs !== undefined)
    await readStream(wire, { stream: 'BANS', filter: 'bans.>', from: { timeMs: lastMs - tailMs }, clock }, onParcel)
}

/** The same of one node, by its heartbeat; undefined: it has none that is signed by it. */
async function catchUpWith(node: NodeName, heartbeat: Heartbeat | undefined, options: Reading): Promise<void> {
  const { wire, clock, gaps, onParcel } = options
  const read = async (streamSeq: number) =>
    readStream(wire, { stream: 'BANS', filter: `bans.${node}.>`, from: { seq: streamSeq + 1 }, clock }, onParcel)
  const { snapshot, seq = 0 } = heartbeat ?? {}
  if (snapshot === undefined || options.onSnapshot === undefined) await read(0)
  else if (!gaps.isBehind(node, snapshot.seq)) await read(snapshot.streamSeq)
  else if (await readSnapshot(node, snapshot, options)) {
    gaps.covered(node, snapshot.seq)
    if (seq > snapshot.seq) await read(snapshot.streamSeq)
  } else if (!(await readNewer(node, snapshot, options))) await read(0)
  gaps.covered(node, seq)
}

/** The snapshot was being replaced while we read: the new one, once. */
async function readNewer(node: NodeName, old: SnapshotMark, options: Reading): Promise<boolean> {
  const { wire, clock, onParcel } = options
  const snapshot = (await heartbeatOf(node, options))?.snapshot
  if (snapshot === undefined || snapshot.id === old.id || !(await readSnapshot(node, snapshot, options))) return false
  const from = { seq: snapshot.streamSeq + 1 }
  await readStream(wire, { stream: 'BANS', filter: `bans.${node}.>`, from, clock }, onParcel)
  return true
}

/** By node; undefined: what is kept there is not signed by it. Of members only. */
async function heartbeatsOf(options: CatchUpOptions): Promise<Map<NodeName, Heartbeat | undefined>> {
  const { subjects } = await infoOf(options.wire, 'STATE', { filter: 'hb.*' })
  const nodes = [...subjects.keys()].map((subject) => subject.slice(3)).filter((node) => options.memberOf(node))
  const found = new Map<NodeName, Heartbeat | undefined>()
  await inParallel(nodes, heartbeatsAtOnce, async (node) => {
    found.set(node, await heartbeatOf(node, options))
  })
  return found
}

async function heartbeatOf(
  node: NodeName,
  { wire, fleet, memberOf, onHeartbeat }: CatchUpOptions,
): Promise<Heartbeat | undefined> {
  const subject = heartbeatSubject(node)
  const kept = await lastOf(wire, 'STATE', subject)
  const opened = kept && openHeartbeat({ subject, body: kept.body }, { fleet, memberOf })
  if (opened === undefined || !('heartbeat' in opened)) return undefined
  onHeartbeat?.(node, opened.heartbeat, opened.atMs)
  return opened.heartbeat
}

/** Whether all of it was there, signed by the node, and told. */
async function readSnapshot(node: NodeName, mark: SnapshotMark, options: Reading): Promise<boolean> {
  const numbers = Array.from({ length: mark.parts }, (_, part) => part)
  let isWhole = true
  await inParallel(numbers, partsAtOnce, async (part) => {
    if (!isWhole) return
    const found = await readPart(node, { ...mark, part }, options)
    if (found === undefined) isWhole = false
    else
      for (let at = 0; at < found.count; at += wordsAtOnce)
        await options.hearing.run(async () => {
          options.onSnapshot?.(node, found.words(at, at + wordsAtOnce))
          await setImmediate()
        })
  })
  return isWhole
}

async function readPart(
  node: NodeName,
  { set, id, part }: Pick<SnapshotMark, 'set' | 'id'> & { part: number },
  { wire, fleet, memberOf, log }: CatchUpOptions,
): Promise<ReadPart | undefined> {
  const subject = snapshotSubject(node, set, part)
  const body = (await lastOf(wire, 'STATE', subject))?.body
  const key = memberOf(node)?.publicKey
  if (body === undefined || key === undefined || body.length <= signatureBytes) return undefined
  const packed = body.subarray(signatureBytes)
  if (!isSignedAt(packed, { fleet, subject }, key, body.subarray(0, signatureBytes))) {
    log.write(
      'WARNING',
      'fleet',
      `The snapshot of ${node} at the broker is not signed by it; its words are read one by one`,
    )
    return undefined
  }
  try {
    const found = await decodePart(packed, node)
    return found.id === id && found.part === part ? found : undefined
  } catch (error) {
    log.write('WARNING', 'fleet', `Cannot read the snapshot of ${node}: ${messageOf(error)}`)
    return undefined
  }
}

async function inParallel<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async () => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
}
