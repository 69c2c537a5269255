import { silentLog } from '../lib/log.js'
import { CurrentLine, searchedText } from './current-line.js'
import { isAscii } from './dialect/pattern.js'
import { FailureFinder } from './failure-finder.js'
import type { CompiledFilter, CompiledPattern } from './filter.js'
import type { Finding } from './finding.js'
import type { Resolve } from './identity.js'
import { type DateOutcome, LineDates } from './line-dates.js'
import { TimeRules } from './time-rules.js'
import type { DateTemplate } from './timestamp/template.js'

/** Everything a filter saw in one line. */
export interface Explanation {
  findings: readonly Finding[]
  ignoredBy: readonly CompiledPattern[]
  /** The text that the patterns searched, its line feed included. */
  text: string
  date: {
    outcome: DateOutcome
    template: DateTemplate | undefined
    /** Begin and end of what was cut out of the line. */
    cutStart: number
    cutEnd: number
    /** Epoch milliseconds that the line counts for; undefined: unknown. */
    timeMs: number | undefined
  }
}

export interface ExplainerOptions {
  /** Tries every pattern instead of stopping at the first that matches. */
  triesAll?: boolean
  resolve?: Resolve
}

/**
 * Shows what a filter does with one line after another, by the same engine that the daemon runs, without its rules about old and odd dates. For tools and tests;
 * not fast.
 */
export class LineExplainer {
  readonly #dates: LineDates
  readonly #rules = new TimeRules({ jail: '', findTimeMs: 0, log: silentLog })
  readonly #finder: FailureFinder
  #ignoredBy: CompiledPattern[] = []

  constructor(filter: CompiledFilter, options: ExplainerOptions = {}) {
    this.#dates = new LineDates(filter.templates, filter.zoneDefault)
    this.#finder = new FailureFinder(filter, { ...options, onIgnored: (pattern) => this.#ignoredBy.push(pattern) })
  }

  /** Date templates with how often each was the one. */
  get templates(): readonly { template: DateTemplate; hits: number }[] {
    return this.#dates.detector.tally
  }

  /** Explains one line, given without its line end. `timeMs`: the line's time where it is known from elsewhere; then no date is looked for. */
  explain(text: string, context: { nowMs: number; timeMs?: number }): Explanation {
    const line = new CurrentLine()
    line.chunk = text
    line.end = text.length
    this.#ignoredBy = []
    const findings: Finding[] = []
    const { nowMs, timeMs } = context
    const isUsable = timeMs === undefined ? this.#readDate(line, nowMs) : this.#takeTime(line, timeMs)
    if (isUsable) {
      line.text = searchedText(line, this.#rules.isCut ? this.#dates : undefined)
      line.isAscii = isAscii(line.text)
      this.#finder.find(line, nowMs, (finding) => findings.push(finding))
    }
    return { findings, ignoredBy: this.#ignoredBy, text: line.text, date: this.#dateOf(line, timeMs !== undefined) }
  }

  #readDate(line: CurrentLine, nowMs: number): boolean {
    this.#dates.setNow(nowMs)
    this.#dates.read(line.chunk, 0, line.end)
    return this.#rules.assign(line, this.#dates, nowMs, false)
  }

  #takeTime(line: CurrentLine, timeMs: number): boolean {
    this.#rules.assignKnown(line, timeMs)
    return true
  }

  #dateOf(line: CurrentLine, isGiven: boolean): Explanation['date'] {
    const { outcome, found, cutStart, cutEnd } = this.#dates
    if (isGiven) return { outcome: 'dated', template: undefined, cutStart: 0, cutEnd: 0, timeMs: line.timeMs }
    const { isCut } = this.#rules
    return {
      outcome,
      template: found?.template,
      cutStart: isCut ? cutStart : 0,
      cutEnd: isCut ? cutEnd : 0,
      timeMs: line.timeMs,
    }
  }
}
