import { CurrentLine, searchedText } from './current-line.js'
import { isAscii } from './dialect/pattern.js'
import type { FailureFinder, Finding } from './failure-finder.js'
import type { LineDates } from './line-dates.js'
import { ownCopy } from './own-copy.js'
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
  /** The last line of the chunk before, when it was passed over; its date is read only if a line asks for it. */
  #lineBefore = ''

  constructor(parts: { dates: LineDates; rules: TimeRules; finder: FailureFinder; prefilter: Prefilter | undefined }) {
    this.#dates = parts.dates
    this.#rules = parts.rules
    this.#finder = parts.finder
    this.#prefilter = parts.prefilter
  }

  /**
   * Begins of the lines that hold one of the filter's literals; undefined: all are to be read. This takes time in proportion to the text, whatever is in it.
   */
  candidates(text: string, given: readonly number[] | undefined): readonly number[] | undefined {
    const prefilter = this.#prefilter
    if (prefilter === undefined) return undefined
    if (given !== undefined)
      return given.filter((start) => prefilter.next(text.slice(start, lineEndAt(text, start)), 0) >= 0)
    if (this.#chunksToSkip > 0) {
      this.#chunksToSkip--
      return undefined
    }
    const starts: number[] = []
    let characters = 0
    for (let at = prefilter.next(text, 0); at >= 0; ) {
      const start = at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1
      const end = lineEndAt(text, at)
      starts.push(start)
      characters += end - start
      at = prefilter.next(text, end + 1)
    }
    // Where most lines are candidates, the search for literals only costs.
    if (characters * 2 > text.length) this.#chunksToSkip = chunksWithout
    return starts
  }

  /** Reads the lines from `from` on, which is the begin of one: all, or those that begin at `starts`. */
  read(
    text: string,
    from: number,
    starts: readonly number[] | undefined,
    context: ScanContext,
    emit: (finding: Finding) => void,
  ): void {
    this.#context = context
    this.#dates.setNow(context.nowMs)
    this.line.chunk = text
    this.#readUntil = from
    const isAllAscii = isAscii(text)
    if (starts === undefined) this.#readAll(text, from, isAllAscii, emit)
    else this.#readSome(text, from, starts, isAllAscii, emit)
    this.leave(text)
  }

  /**
   * NOTE: nothing but the loop in here. V8 compiles a long loop while it runs, knows nothing of what follows as long as that has never run, and throws
   * the code away when it gets there: once for every chunk, which cost a tenth of the time.
   */
  #readAll(text: string, from: number, isAllAscii: boolean, emit: (finding: Finding) => void): void {
    for (let start = from; start < text.length; ) {
      const end = lineEndAt(text, start)
      this.#readUntil = start
      this.#readLine(start, end, isAllAscii, emit)
      start = end + 1
      this.#readUntil = start
    }
  }

  /** The lines that begin at `starts`; as above. */
  #readSome(
    text: string,
    from: number,
    starts: readonly number[],
    isAllAscii: boolean,
    emit: (finding: Finding) => void,
  ): void {
    for (let i = 0; i < starts.length; i++) {
      const start = starts[i] ?? 0
      if (start < from) continue
      const end = lineEndAt(text, start)
      this.#readLine(start, end, isAllAscii, emit)
      this.#readUntil = end + 1
    }
  }

  /** To be called when the chunk is done with, read or not. */
  leave(text: string): void {
    const isRead = this.line.chunk === text && this.#readUntil >= text.length
    this.#lineBefore = isRead ? '' : ownCopy(text.slice(text.lastIndexOf('\n', text.length - 2) + 1, -1))
    this.line.chunk = ''
    this.line.text = ''
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
      if (this.#readDateOnly(chunk, start, end)) return
      end = start - 1
    }
    if (this.#readUntil === 0 && this.#lineBefore !== '')
      this.#readDateOnly(this.#lineBefore, 0, this.#lineBefore.length)
  }

  #readDateOnly(text: string, start: number, end: number): boolean {
    this.#dates.read(text, start, withoutReturns(text, start, end))
    if (this.#dates.outcome !== 'dated') return false
    this.#rules.noteDate(this.#dates.timeMs, this.#context)
    this.#lineBefore = ''
    return true
  }

  #readLine(start: number, lineEnd: number, isAllAscii: boolean, emit: (finding: Finding) => void): void {
    this.resumeAt = start
    const { line } = this
    const end = withoutReturns(line.chunk, start, lineEnd)
    line.start = start
    line.end = end
    this.#dates.read(line.chunk, start, end)
    if (this.#dates.outcome !== 'dated' && (start > this.#readUntil || (start === 0 && this.#lineBefore !== ''))) {
      this.#catchUp(start)
      this.#dates.read(line.chunk, start, end)
    }
    const { nowMs, live } = this.#context
    if (!this.#rules.assign(line, this.#dates, nowMs, live)) return
    if (!this.#rules.accept(line, this.#context)) return
    line.text = searchedText(line, this.#rules.isCut ? this.#dates : undefined)
    line.isAscii = isAllAscii || isAscii(line.text)
    line.isOneLine = true
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
