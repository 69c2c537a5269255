import { ownCopy } from './own-copy.js'

/** The line that is being read, as a place in a chunk. One object for all lines. */
export class CurrentLine {
  chunk = ''
  /** The chunk where all of it is ASCII, place for place; undefined: it is not, or the bytes are not at hand. */
  bytes: Uint8Array | undefined
  /** Offsets in the chunk; `end` is behind the last character, line end not counted. */
  start = 0
  end = 0
  /** Where the text begins in the chunk; -1: it is no window into it. */
  textStart = -1
  isAscii = true
  /** Whether no line feed is in the text but the last. */
  isOneLine = false
  /** Epoch milliseconds; undefined: unknown. */
  timeMs: number | undefined
  /** Whether the time is from a date in the line. */
  isDated = false
  #text: string | undefined = ''

  /** What patterns search: the line without its date, and a line feed. */
  get text(): string {
    this.#text ??= this.chunk.slice(this.textStart, this.end + 1)
    return this.#text
  }

  set text(text: string) {
    this.#text = text
  }

  /** Sets the text to the line without what is cut out of it. Where nothing stands before the cut, it is a window into the chunk, made when it is asked for. */
  cut(cut: { cutStart: number; cutEnd: number } | undefined): void {
    const { chunk, start, end } = this
    const isWindow = chunk.charCodeAt(end) === lineFeed && (cut === undefined || cut.cutStart === 0)
    this.textStart = isWindow ? start + (cut?.cutEnd ?? 0) : -1
    this.#text = isWindow ? undefined : joinedText(this, cut)
  }

  /** The whole line as it was written. */
  full(): string {
    return ownCopy(this.chunk.slice(this.start, this.end))
  }
}

const lineFeed = 0x0a

/** As `cut`, and the text. */
export function searchedText(line: CurrentLine, cut: { cutStart: number; cutEnd: number } | undefined): string {
  line.cut(cut)
  return line.text
}

function joinedText({ chunk, start, end }: CurrentLine, cut: { cutStart: number; cutEnd: number } | undefined): string {
  const rest = `${chunk.slice(start + (cut?.cutEnd ?? 0), end)}\n`
  return cut === undefined || cut.cutStart === 0 ? rest : chunk.slice(start, start + cut.cutStart) + rest
}
