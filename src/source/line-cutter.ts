import type { TextEncoding } from './encoding.js'

/** A longer line (its end not counted) is skipped whole: a cut one would defeat patterns that are anchored at the end. */
export const lineBytesMax = 64 * 1024

/** What a piece of a file, which begins at a line start or inside a line that is being skipped, consists of. */
export interface Cut {
  /** Ranges of whole lines, each ended by a line end; ascending, often just one. */
  lines: (readonly [start: number, end: number])[]
  /** Bytes that are done with; what follows is the begin of a line that is still being written. */
  consumed: number
  /** The piece ends inside a line that is already too long: `consumed` is its begin, the rest of the piece may be forgotten. */
  isSkipping: boolean
  /** Lines that were too long and end in this piece. */
  skipped: number
}

/** Divides `bytes[0, length)`. `isSkipping`: the piece begins inside a line that is too long. */
export function cutLines(bytes: Buffer, length: number, encoding: TextEncoding, isSkipping: boolean): Cut {
  const cut: Cut = { lines: [], consumed: 0, isSkipping, skipped: 0 }
  if (isSkipping && !passLongLine(cut, bytes, length, encoding)) return cut
  const end = encoding.endOfLastLine(bytes, cut.consumed, length)
  let from = withoutNuls(bytes, cut.consumed, length, encoding)
  while (from < end) {
    const to = endOfShortLines(bytes, from, end, encoding)
    if (to > from) cut.lines.push([from, to])
    if (to < end) cut.skipped++
    // NOTE: at `to` begins a line over the bound, and it ends before `end`.
    from = to < end ? withoutNuls(bytes, encoding.endOfFirstLine(bytes, to, end), length, encoding) : end
  }
  cut.consumed = Math.max(cut.consumed, withoutNuls(bytes, Math.max(from, end), length, encoding))
  cut.isSkipping = length - cut.consumed >= lineBytesMax + encoding.unitBytes
  return cut
}

/** Whether the line that is being skipped ends in this piece. */
function passLongLine(cut: Cut, bytes: Buffer, length: number, encoding: TextEncoding): boolean {
  const end = encoding.endOfFirstLine(bytes, 0, length)
  if (end < 0) return false
  cut.consumed = end
  cut.isSkipping = false
  cut.skipped++
  return true
}

/** The end of the last line before the first one that is too long, looked for in strides of the bound. */
function endOfShortLines(bytes: Buffer, from: number, end: number, encoding: TextEncoding): number {
  let at = from
  while (at < end) {
    const reach = Math.min(end, at + lineBytesMax + encoding.unitBytes)
    const next = encoding.endOfLastLine(bytes, at, reach)
    if (next < 0) break
    at = next
  }
  return at
}

/**
 * Behind the NUL bytes at a line's begin. Where a log is truncated under a writer that keeps its offset (copytruncate), the
 * kernel fills the gap with NULs, often gigabytes, and the first new line stands behind them.
 */
function withoutNuls(bytes: Buffer, from: number, length: number, encoding: TextEncoding): number {
  if (encoding.unitBytes > 1) return from
  let at = from
  while (at < length && bytes[at] === 0) at++
  return at
}
