import { CurrentLine } from './current-line.js'
import { isAscii } from './dialect/pattern.js'
import type { FailureFinder } from './failure-finder.js'
import type { Finding } from './finding.js'
import type { LineDates } from './line-dates.js'
import { type LogText, lastLineOf, lengthOf, lineEndAt, lineFrom, withoutReturns } from './log-text.js'
import { ownCopy } from './own-copy.js'
import type { Prefilter } from './prefilter.js'
import type { Candidates } from './survey.js'
import type { TimeRules } from './time-rules.js'

export interface ScanContext {
  nowMs: number
  /** Whether the lines are being written now ("in operation"), rather than read again from an earlier time. */
  live: boolean
  /** The only lines that need be read, from a Survey of this chunk. Without it all are looked at. */
  candidates?: Candidates | undefined
}

/** After a chunk of which most was candidates, so many are read without a prefilter before it is tried again. */
const chunksWithout = 31
/** How far back a date is looked for. Beyond it a line without a date counts as one whose time is not known. */
const linesBackMax = 20

/** Goes through a chunk of log line by line, or from candidate to candidate. */
export class ChunkReader {
  readonly line = new CurrentLine()
  /** Where to go on when the reading was stopped: the begin of the line at work, or of the one behind what was read to its end. No failure is found twice. */
  resumeAt = 0
  /** Where in the log the line's chunk begins. */
  #base = 0
  #log: LogText = nothing
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

  /** The lines that hold one of the filter's literals. This takes time in proportion to the text, whatever is in it. */
  candidates(log: LogText, given: Candidates | undefined): Candidates {
    const prefilter = this.#prefilter
    if (prefilter === undefined) return 'all'
    if (given !== undefined) return given
    if (this.#chunksToSkip > 0) {
      this.#chunksToSkip--
      return 'all'
    }
    const { text } = log
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
  read(log: LogText, from: number, starts: Candidates, context: ScanContext, emit: (finding: Finding) => void): void {
    this.#context = context
    this.#dates.setNow(context.nowMs)
    this.#log = log
    this.#readUntil = from
    if (starts === 'all') {
      this.#base = 0
      this.line.chunk = log.text
      this.line.bytes = log.bytes
      this.#readAll(log.text, from, log.bytes !== undefined || isAscii(log.text), emit)
    } else this.#readSome(log, from, starts, emit)
    this.leave(log)
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
      this.resumeAt = start
    }
  }

  /** The lines that begin at `starts`, each made a text of its own: few of a log are looked at, and the rest need not become text. */
  #readSome(log: LogText, from: number, starts: readonly number[], emit: (finding: Finding) => void): void {
    const isAllAscii = log.bytes !== undefined
    for (let i = 0; i < starts.length; i++) {
      const start = starts[i] ?? 0
      if (start < from) continue
      const text = lineFrom(log, start)
      this.#base = start
      this.line.chunk = text
      this.line.bytes = undefined
      this.#readLine(0, text.endsWith('\n') ? text.length - 1 : text.length, isAllAscii, emit)
      this.#readUntil = start + text.length
      this.resumeAt = this.#readUntil
    }
  }

  /** To be called when the chunk is done with, read or not. */
  leave(log: LogText): void {
    const isRead = this.#log === log && this.#readUntil >= lengthOf(log)
    this.#lineBefore = isRead ? '' : ownCopy(lastLineOf(log).slice(0, -1))
    this.#log = nothing
    this.line.chunk = ''
    this.line.bytes = undefined
    this.line.text = ''
  }

  /**
   * Reads the date of the last line before `until` that has one, among those that were passed over: a line without a date has the time
   * of the line before.
   */
  #catchUp(until: number): void {
    const { text } = this.#log
    let end = until - 1
    for (let i = 0; i < linesBackMax && end > this.#readUntil; i++) {
      const start = text.lastIndexOf('\n', end - 1) + 1
      if (this.#readDateOnly(text, start, end)) return
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

  /** `start` and `lineEnd` are places in the line's chunk. */
  #readLine(start: number, lineEnd: number, isAllAscii: boolean, emit: (finding: Finding) => void): void {
    const at = this.#base + start
    this.resumeAt = at
    const { line } = this
    const end = withoutReturns(line.chunk, start, lineEnd)
    line.start = start
    line.end = end
    this.#dates.read(line.chunk, start, end, line.bytes)
    if (this.#dates.outcome !== 'dated' && (at > this.#readUntil || (at === 0 && this.#lineBefore !== ''))) {
      this.#catchUp(at)
      this.#dates.read(line.chunk, start, end)
    }
    const { nowMs, live } = this.#context
    if (!this.#rules.assign(line, this.#dates, nowMs, live)) return
    if (!this.#rules.accept(line, this.#context)) return
    line.cut(this.#rules.isCut ? this.#dates : undefined)
    line.isAscii = isAllAscii || isAscii(line.text)
    line.isOneLine = true
    this.#finder.find(line, nowMs, emit)
  }
}

const nothing: LogText = { text: '', bytes: undefined }
