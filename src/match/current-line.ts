import { ownCopy } from './own-copy.js'

/** The line that is being read, as a place in a chunk. One object for all lines. */
export class CurrentLine {
  chunk = ''
  /** Offsets in the chunk; `end` is behind the last character, line end not counted. */
  start = 0
  end = 0
  /** What patterns search: the line without its date, and a line feed. */
  text = ''
  /** Where the text begins in the chunk; -1: it is no window into it. */
  textStart = -1
  isAscii = true
  /** Whether no line feed is in the text but the last. */
  isOneLine = false
  /** Epoch milliseconds; undefined: unknown. */
  timeMs: number | undefined
  /** Whether the time is from a date in the line. */
  isDated = false

  /** The whole line as it was written. */
  full(): string {
    return ownCopy(this.chunk.slice(this.start, this.end))
  }
}

const lineFeed = 0x0a

/** What patterns search: the line without what is cut out of it, and a line feed. Where nothing stands before the cut, it is a window into the chunk. */
export function searchedText(line: CurrentLine, cut: { cutStart: number; cutEnd: number } | undefined): string {
  const { chunk, start, end } = line
  const from = start + (cut?.cutEnd ?? 0)
  const isWindow = chunk.charCodeAt(end) === lineFeed
  const rest = isWindow ? chunk.slice(from, end + 1) : `${chunk.slice(from, end)}\n`
  const isWhole = cut === undefined || cut.cutStart === 0
  line.textStart = isWindow && isWhole ? from : -1
  return isWhole ? rest : chunk.slice(start, start + cut.cutStart) + rest
}
