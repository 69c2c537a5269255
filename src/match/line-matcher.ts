import type { Failure } from '../domain/failure.js'
import type { Log } from '../lib/log.js'
import { CurrentLine, searchedText } from './current-line.js'
import { isAscii } from './dialect/pattern.js'
import { FailureFinder, type Finding } from './failure-finder.js'
import type { CompiledFilter } from './filter.js'
import type { Resolve } from './identity.js'
import { LineDates } from './line-dates.js'
import { TimeRules } from './time-rules.js'

export interface LineMatcherOptions {
  jail: string
  findTimeMs: number
  log: Log
  /** Asked for the addresses of host names, synchronously. Without it a name yields no failure (but `usedns = raw` yields the name itself). */
  resolve?: Resolve
}

export interface ScanContext {
  nowMs: number
  /** Whether the lines are being written now ("in operation"), rather than read again from an earlier time. */
  live: boolean
}

const carriageReturn = 0x0d

/** Finds the failures in the lines of one source for one jail. Keeps what must be known from line to line: the last date, sessions, the window. */
export class LineMatcher {
  readonly #dates: LineDates
  readonly #finder: FailureFinder
  readonly #rules: TimeRules
  readonly #line = new CurrentLine()
  #context: ScanContext = { nowMs: 0, live: true }
  #onFailure: (failure: Failure) => void = () => {}
  readonly #emit = (finding: Finding) => this.#tell(finding)

  constructor(filter: CompiledFilter, options: LineMatcherOptions) {
    this.#dates = new LineDates(filter.templates, filter.zoneDefault)
    this.#rules = new TimeRules(options)
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
    const isAllAscii = isAscii(text)
    for (let start = 0; start < text.length; ) {
      const feed = text.indexOf('\n', start)
      const end = feed < 0 ? text.length : feed
      this.#readLine(start, end, isAllAscii)
      start = end + 1
    }
    this.#line.chunk = ''
    this.#line.text = ''
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
    let end = lineEnd
    while (end > start && chunk.charCodeAt(end - 1) === carriageReturn) end--
    line.start = start
    line.end = end
    this.#dates.read(chunk, start, end)
    const { nowMs, live } = this.#context
    if (!this.#rules.assign(line, this.#dates, nowMs, live)) return
    if (!this.#rules.accept(line, this.#context)) return
    line.text = searchedText(line, this.#rules.isCut ? this.#dates : undefined)
    line.isAscii = isAllAscii || isAscii(line.text)
    this.#finder.find(line, nowMs, this.#emit)
  }

  #tell({ id, timeMs, fields, lines }: Finding): void {
    if (id === undefined || timeMs === undefined) return
    this.#onFailure({ id, timeMs: Math.min(timeMs, this.#context.nowMs), lines: [...lines], data: fields })
  }
}
