import type { Failure } from '../domain/failure.js'
import type { Log } from '../lib/log.js'
import { CurrentLine, searchedText } from './current-line.js'
import { isAscii } from './dialect/pattern.js'
import { FailureFinder, type Finding } from './failure-finder.js'
import type { CompiledFilter } from './filter.js'
import type { Resolve } from './identity.js'
import { LineDates } from './line-dates.js'
import { Prefilter, requiredLiterals } from './prefilter.js'
import { TimeRules } from './time-rules.js'

export interface LineMatcherOptions {
  jail: string
  findTimeMs: number
  log: Log
  /** Asked for the addresses of host names, synchronously. Without it a name yields no failure (but `usedns = raw` yields the name itself). */
  resolve?: Resolve
  /** Reads every line in full. For comparing. */
  isSlow?: boolean
}

export interface ScanContext {
  nowMs: number
  /** Whether the lines are being written now ("in operation"), rather than read again from an earlier time. */
  live: boolean
}

const carriageReturn = 0x0d
/** After a chunk of which most was candidates, so many are read without a prefilter before it is tried again. */
const chunksWithout = 31
/** How far back a date is looked for. Beyond it a line without a date counts as one whose time is not known. */
const linesBackMax = 1000

/** Finds the failures in the lines of one source for one jail. Keeps what must be known from line to line: the last date, sessions, the window. */
export class LineMatcher {
  readonly #dates: LineDates
  readonly #finder: FailureFinder
  readonly #rules: TimeRules
  readonly #prefilter: Prefilter | undefined
  readonly #line = new CurrentLine()
  /** Up to where the lines of the chunk were read or need not be. */
  #readUntil = 0
  /** Chunks to be read without looking for literals first. */
  #chunksToSkip = 0
  #context: ScanContext = { nowMs: 0, live: true }
  #onFailure: (failure: Failure) => void = () => {}
  readonly #emit = (finding: Finding) => this.#tell(finding)

  constructor(filter: CompiledFilter, options: LineMatcherOptions) {
    this.#dates = new LineDates(filter.templates, filter.zoneDefault)
    this.#rules = new TimeRules(options)
    const literals = options.isSlow === true ? undefined : requiredLiterals(filter)
    this.#prefilter = literals && new Prefilter(literals)
    this.#finder = new FailureFinder(filter, {
      resolve: options.resolve,
      onUndated: (lines) => this.#rules.warnUndated(lines, this.#context.nowMs) && this.#line.timeMs !== undefined,
    })
  }

  /** Reads whole lines, each ended by a line feed, and calls `onFailure` for each failure. Lines are never longer than 64 KiB (the reader sees to it). */
  scan(text: string, context: ScanContext, onFailure: (failure: Failure) => void): void {
    this.#context = context
    this.#onFailure = onFailure
    this.#dates.setNow(context.nowMs)
    this.#line.chunk = text
    this.#readUntil = 0
    const isAllAscii = isAscii(text)
    if (this.#prefilter === undefined || this.#chunksToSkip-- > 0) this.#scanAll(text, isAllAscii)
    else this.#scanCandidates(text, isAllAscii, this.#prefilter)
    this.#line.chunk = ''
    this.#line.text = ''
  }

  #scanAll(text: string, isAllAscii: boolean): void {
    for (let start = 0; start < text.length; ) {
      const end = lineEndAt(text, start)
      this.#readLine(start, end, isAllAscii)
      start = end + 1
    }
  }

  /** Reads only lines that hold one of the literals. */
  #scanCandidates(text: string, isAllAscii: boolean, prefilter: Prefilter): void {
    let candidates = 0
    let charactersRead = 0
    for (let at = prefilter.next(text, 0); at >= 0; at = prefilter.next(text, this.#readUntil)) {
      const start = at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1
      const end = lineEndAt(text, at)
      this.#readLine(start, end, isAllAscii)
      candidates++
      charactersRead += end - start
      this.#readUntil = end + 1
    }
    if (this.#readUntil < text.length) this.#catchUp(text.length)
    // Where most lines are candidates, the search for literals only costs.
    if (candidates > 0 && charactersRead * 2 > text.length) this.#chunksToSkip = chunksWithout
  }

  /**
   * Reads the date of the last line before `until` that has one, among those that were passed over: a line without a date has the time
   * of the line before.
   */
  #catchUp(until: number): void {
    const { chunk } = this.#line
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

  /** Reads one line whose time is known from elsewhere, as the journal's. `text` is without its date and line end. */
  scanEntry(text: string, timeMs: number, context: ScanContext, onFailure: (failure: Failure) => void): void {
    this.#context = context
    this.#onFailure = onFailure
    const line = this.#line
    line.chunk = text
    line.start = 0
    line.end = text.length
    this.#rules.assignKnown(line, timeMs)
    if (!this.#rules.accept(line, context)) return
    line.text = `${text}\n`
    line.isAscii = isAscii(text)
    this.#finder.find(line, context.nowMs, this.#emit)
  }

  #readLine(start: number, lineEnd: number, isAllAscii: boolean): void {
    const line = this.#line
    const { chunk } = line
    const end = withoutReturns(chunk, start, lineEnd)
    line.start = start
    line.end = end
    this.#dates.read(chunk, start, end)
    if (this.#dates.outcome !== 'dated' && start > this.#readUntil) {
      this.#catchUp(start)
      this.#dates.read(chunk, start, end)
    }
    const { nowMs, live } = this.#context
    if (!this.#rules.assign(line, this.#dates, nowMs, live)) return
    if (!this.#rules.accept(line, this.#context)) return
    line.text = searchedText(line, this.#rules.isCut ? this.#dates : undefined)
    line.isAscii = isAllAscii || isAscii(line.text)
    this.#finder.find(line, nowMs, this.#emit)
  }

  #tell({ id, timeMs, fields, lines }: Finding): void {
    if (id === undefined || timeMs === undefined) return
    this.#onFailure({ id, timeMs: Math.min(timeMs, this.#context.nowMs), lines, data: fields })
  }
}

function lineEndAt(text: string, from: number): number {
  const feed = text.indexOf('\n', from)
  return feed < 0 ? text.length : feed
}

/** The end of a line that stops at `end`, the carriage returns of a CRLF left off. */
function withoutReturns(text: string, start: number, end: number): number {
  let last = end
  while (last > start && text.charCodeAt(last - 1) === carriageReturn) last--
  return last
}
