import { createHash } from 'node:crypto'
import type { ReadPosition } from '../domain/read-position.js'
import { localDateTime } from '../lib/log-writer.js'
import type { JournalSource, JournalStart } from './journal-command.js'

/** How far a journal has been read. */
export interface JournalPosition {
  /** The last entry that was read. */
  cursor: string
  /** When that entry was written, epoch microseconds. */
  writtenUs: number
}

/** What Fail2ban calls the journal in its table `logs` (spec section 8). */
const peerPath = 'systemd-journal'
const cursorText = /^[a-z]=[0-9a-f]+(?:;[a-z]=[0-9a-f]+){1,10}$/

/**
 * The row that holds the cursor. Fail2ban's own row has room for a time only. The name depends on what is read: with other matches the
 * entry of the cursor need not be among those that are printed.
 */
function cursorPath(source: JournalSource): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([source.matches, source.options]))
    .digest('hex')
  return `tocsin-journal-cursor:${digest.slice(0, 16)}`
}

/**
 * The rows to store: Fail2ban's, a time in words and in epoch seconds, so that it can go on where we stopped; and ours, the cursor beside
 * the same time.
 */
export function journalRows(source: JournalSource, position: JournalPosition): [path: string, ReadPosition][] {
  const offset = position.writtenUs / 1e6
  return [
    [peerPath, { firstLineSha1: `${localTimeText(position.writtenUs)} `, offset }],
    [cursorPath(source), { firstLineSha1: position.cursor, offset }],
  ]
}

/** Where to begin: behind what was read in an earlier run, by us or by Fail2ban, but not before `earliestMs`. */
export function journalStart(
  source: JournalSource,
  stored: (path: string) => ReadPosition | undefined,
  { earliestMs, nowMs }: { earliestMs: number; nowMs: number },
): JournalStart {
  const ours = stored(cursorPath(source))
  const peers = stored(peerPath)
  const cursor = ours?.firstLineSha1
  const cursorMs = cursor === undefined ? undefined : timeOfCursorMs(cursor)
  // A later time in Fail2ban's row: it has run since then.
  const isLast = ours !== undefined && (peers === undefined || peers.offset <= ours.offset)
  if (isLast && cursor !== undefined && cursorMs !== undefined && cursorMs >= earliestMs) {
    return { cursor, sinceMs: Math.min(cursorMs, nowMs) }
  }
  const storedMs = Math.max(ours?.offset ?? 0, peers?.offset ?? 0) * 1000
  // A time in the future is of a clock that was wrong: nothing is waited for.
  return { sinceMs: Math.min(nowMs, Math.max(storedMs, earliestMs)) }
}

/** When the entry of a cursor came to the journal. Undefined: this is no cursor. */
export function timeOfCursorMs(cursor: string): number | undefined {
  if (cursor.length > 500 || !cursorText.test(cursor)) return undefined
  const [, time] = /;t=([0-9a-f]{1,13})(?:;|$)/.exec(cursor) ?? []
  return time === undefined ? undefined : Number.parseInt(time, 16) / 1000
}

/** As Python's `isoformat` has a local time: `2026-11-21T05:15:56.000123`. */
function localTimeText(us: number): string {
  const fraction = us % 1_000_000
  const second = localDateTime(us / 1000).replace(' ', 'T')
  return `${second}${fraction === 0 ? '' : `.${String(fraction).padStart(6, '0')}`}`
}
