import { ownCopy } from './own-copy.js'

/** The line that is being read, as a place in a chunk. One object for all lines. */
export class CurrentLine {
  chunk = ''
  /** Offsets in the chunk; `end` is behind the last character, line end not counted. */
  start = 0
  end = 0
  /** What patterns search: the line without its date, and a line feed. */
  text = ''
  isAscii = true
  /** Epoch milliseconds; undefined: unknown. */
  timeMs: number | undefined
  /** Whether the time is from a date in the line. */
  isDated = false

  /** The whole line as it was written. */
  full(): string {
    return ownCopy(this.chunk.slice(this.start, this.end))
  }
}
