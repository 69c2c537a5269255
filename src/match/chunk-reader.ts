import { CurrentLine, searchedText } from './current-line.js'
import { isAscii } from './dialect/pattern.js'
import type { FailureFinder, Finding } from './failure-finder.js'
import type { LineDates } from './line-dates.js'
import type { Prefilter } from './prefilter.js'
import type { TimeRules } from './time-rules.js'

export interface ScanContext {
  nowMs: number
  /** Whether the lines are being written now ("in operation"), rather than read again from an earlier time. */
  live: boolean
  /** Begins of the only lines that need be read, ascending, from a Survey of this chunk. Without it all are looked at. */
  candidates?: readonly number[] | undefined
}

const carriageReturn = 0x0d
/** After a chunk of which most was candidates, so many are read without a prefilter before it is tried again. */
const chunksWithout = 31
/** How far back a date is looked for. Beyond it a line without a date counts as one whose time is not known. */
const linesBackMax = 20

/** Goes through a chunk of log line by line, or from candidate to candidate. */
export class ChunkReader {
  readonly line = new CurrentLine()
  /** Where to go on when the reading was stopped: the begin of the line that was read last. */
  resumeAt = 0
  readonly #dates: LineDates
  readonly #rules: TimeRules
  readonly #finder: FailureFinder
  readonly #prefilter: Prefilter | undefined
  #context: ScanContext = { nowMs: 0, live: true }
  /** Up to where the lines of the chunk were read or need not be. */
  #readUntil = 0
  /** Chunks to be read without looking for literals first. */
  #chunksToSkip = 0

  constructor(parts: { dates: LineDates; rules: TimeRules; finder: FailureFinder; prefilter: Prefilter | undefined }) {
    this.#dates = parts.dates
    this.#rules = parts.rules
    this.#finder = parts.finder
    this.#prefilter = parts.prefilter
  }

  /** Reads the lines from `from` on, which is the begin of one. */
  read(text: string, from: number, context: ScanContext, emit: (finding: Finding) => void): void {
    this.#context = context
    this.#dates.setNow(context.nowMs)
    this.line.chunk = text
    this.#readUntil = from
    const isAllAscii = isAscii(text)
    if (this.#prefilter !== undefined && context.candidates !== undefined) {
      this.#readListed(text, from, isAllAscii, context.candidates, this.#prefilter, emit)
    } else if (this.#prefilter === undefined || this.#chunksToSkip > 0) {
      this.#readAll(text, from, isAllAscii, emit)
      this.#chunksToSkip--
    } else this.#readCandidates(text, from, isAllAscii, this.#prefilter, emit)
    this.release()
  }

  /** Lets go of the chunk. */
  release(): void {
    this.line.chunk = ''
    this.line.text = ''
  }

  #readAll(text: string, from: number, isAllAscii: boolean, emit: (finding: Finding) => void): void {
    for (let start = from; start < text.length; ) {
      const end = lineEndAt(text, start)
      this.#readLine(start, end, isAllAscii, emit)
      start = end + 1
    }
  }

  /** Reads those of the listed lines that hold one of this filter's literals. */
  #readListed(
    text: string,
    from: number,
    isAllAscii: boolean,
    starts: readonly number[],
    prefilter: Prefilter,
    emit: (finding: Finding) => void,
  ): void {
    for (const start of starts) {
      if (start < from) continue
      const end = lineEndAt(text, start)
      if (prefilter.next(text.slice(start, end), 0) < 0) continue
      this.#readLine(start, end, isAllAscii, emit)
      this.#readUntil = end + 1
    }
    if (this.#readUntil < text.length) this.#catchUp(text.length)
  }

  /** Reads only lines that hold one of the literals. */
  #readCandidates(
    text: string,
    from: number,
    isAllAscii: boolean,
    prefilter: Prefilter,
    emit: (finding: Finding) => void,
  ): void {
    let charactersRead = 0
    for (let at = prefilter.next(text, from); at >= 0; at = prefilter.next(text, this.#readUntil)) {
      const start = at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1
      const end = lineEndAt(text, at)
      this.#readLine(start, end, isAllAscii, emit)
      charactersRead += end - start
      this.#readUntil = end + 1
    }
    if (this.#readUntil < text.length) this.#catchUp(text.length)
    // Where most lines are candidates, the search for literals only costs.
    if (charactersRead * 2 > text.length) this.#chunksToSkip = chunksWithout
  }

  /**
   * Reads the date of the last line before `until` that has one, among those that were passed over: a line without a date has the time
   * of the line before.
   */
  #catchUp(until: number): void {
    const { chunk } = this.line
    let end = until - 1
    for (let i = 0; i < linesBackMax && end > this.#readUntil; i++) {
      const start = chunk.lastIndexOf('\n', end - 1) + 1
      this.#dates.read(chunk, start, withoutReturns(chunk, start, end))
      if (this.#dates.outcome === 'dated') {
        this.#rules.noteDate(this.#dates.timeMs, this.#context)
        return
      }
      end = start - 1
    }
  }

  #readLine(start: number, lineEnd: number, isAllAscii: boolean, emit: (finding: Finding) => void): void {
    this.resumeAt = start
    const { line } = this
    const end = withoutReturns(line.chunk, start, lineEnd)
    line.start = start
    line.end = end
    this.#dates.read(line.chunk, start, end)
    if (this.#dates.outcome !== 'dated' && start > this.#readUntil) {
      this.#catchUp(start)
      this.#dates.read(line.chunk, start, end)
    }
    const { nowMs, live } = this.#context
    if (!this.#rules.assign(line, this.#dates, nowMs, live)) return
    if (!this.#rules.accept(line, this.#context)) return
    line.text = searchedText(line, this.#rules.isCut ? this.#dates : undefined)
    line.isAscii = isAllAscii || isAscii(line.text)
    this.#finder.find(line, nowMs, emit)
  }
}

export function lineEndAt(text: string, from: number): number {
  const feed = text.indexOf('\n', from)
  return feed < 0 ? text.length : feed
}

/** The end of a line that stops at `end`, the carriage returns of a CRLF left off. */
function withoutReturns(text: string, start: number, end: number): number {
  let last = end
  while (last > start && text.charCodeAt(last - 1) === carriageReturn) last--
  return last
}
