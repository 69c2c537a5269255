import type { AuditRequest } from '../domain/enforcer.js'
import type { Clock } from '../lib/clock.js'
import { isSameEnd } from './address-comparison.js'
import type { AuditTally } from './audit-tally.js'
import { addPieces, type Covers } from './change-plan.js'
import { type DumpedInterval, intervalsIn } from './intervals.js'
import { readIntervals, walkElements } from './kernel-reader.js'
import { type SetKind, setName } from './layout.js'
import type { NftConnection } from './netlink/connection.js'
import type { DumpedElement } from './netlink/elements.js'
import type { Piece } from './network-cover.js'
import type { SetChange } from './set-changes.js'

export interface NetworkAuditParts {
  connection: NftConnection
  /** On which nothing else is asked. */
  reader: NftConnection
  clock: Clock
  covers: Covers
  apply(changes: readonly SetChange[]): void
}

/**
 * Compares an interval set with the pieces of the networks that were closed. It is read with pauses; if something differs, it is read
 * again in one go and put right at once. Where anything has to be put in, what is foreign goes: the two might overlap, which the kernel
 * refuses.
 */
export async function auditNetworks(
  parts: NetworkAuditParts,
  { jail, kind }: { jail: string; kind: SetKind },
  request: AuditRequest,
  tally: AuditTally,
): Promise<void> {
  const { clock, covers, connection, apply } = parts
  const set = setName(kind, jail)
  const cover = covers.of(jail, kind)
  const elements: DumpedElement[] = []
  await walkElements(parts.reader, set, (element) => {
    request.signal?.throwIfAborted()
    elements.push({ ...element, key: Buffer.from(element.key) })
  })
  let pieces = [...cover.pieces(clock.now())]
  tally.wanted += pieces.length
  if (isEqual(compare(pieces, intervalsIn(elements), clock.now()))) return
  await request.settled()
  const nowMs = clock.now()
  pieces = [...cover.pieces(nowMs)]
  const differences = compare(pieces, readIntervals(connection, set), nowMs)
  if (isEqual(differences)) return
  const { missing, wrongEnd, foreign } = differences
  for (const piece of missing) tally.wrong({ jail, ip: piece.ip }, false)
  for (const piece of wrongEnd) tally.wrong({ jail, ip: piece.ip }, true)
  for (const { ip } of foreign) if (ip !== undefined) tally.stranger({ jail, ip })
  const change: SetChange = { set, remove: [], add: [], insert: [] }
  const removes = request.removeForeign || missing.length + wrongEnd.length > 0
  if (removes) change.remove.push(...foreign.flatMap((interval) => interval.elements))
  addPieces(change, { gone: wrongEnd, come: [...missing, ...wrongEnd] }, nowMs)
  if (change.remove.length + change.add.length + change.insert.length === 0) return
  apply([change])
  tally.repaired += missing.length + wrongEnd.length
  if (removes) tally.removed += foreign.length
}

interface Differences {
  missing: Piece[]
  wrongEnd: Piece[]
  foreign: DumpedInterval[]
}

function compare(pieces: readonly Piece[], intervals: readonly DumpedInterval[], nowMs: number): Differences {
  const missing = new Map(pieces.map((piece) => [piece.ip.text, piece]))
  const wrongEnd: Piece[] = []
  const foreign: DumpedInterval[] = []
  for (const interval of intervals) {
    const piece = interval.ip && missing.get(interval.ip.text)
    if (piece === undefined) foreign.push(interval)
    else {
      missing.delete(piece.ip.text)
      if (!isSameEnd(piece.endMs - nowMs, interval.remainingMs)) wrongEnd.push(piece)
    }
  }
  return { missing: [...missing.values()], wrongEnd, foreign }
}

function isEqual({ missing, wrongEnd, foreign }: Differences): boolean {
  return missing.length + wrongEnd.length + foreign.length === 0
}
