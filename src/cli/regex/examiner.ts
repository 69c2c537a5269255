import { keepNewest } from '../../lib/keep-newest.js'
import { silentLog } from '../../lib/log.js'
import { CurrentLine } from '../../match/current-line.js'
import { isAscii, type Match } from '../../match/dialect/pattern.js'
import { FailureFinder } from '../../match/failure-finder.js'
import type { CompiledFilter, CompiledPattern } from '../../match/filter.js'
import type { Finding, PatternHit, Success } from '../../match/finding.js'
import type { Resolve } from '../../match/identity.js'
import { LineDates } from '../../match/line-dates.js'
import { PatternRunner } from '../../match/pattern-runner.js'
import { Quarantine } from '../../match/quarantine.js'
import { TimeRules } from '../../match/time-rules.js'
import type { FoundDate } from '../../match/timestamp/detector.js'
import type { WindowLine } from '../../match/window.js'
import { type Fields, type LineParts, PythonFields } from './python-fields.js'

/** What a pattern found in the present line. */
export interface Found {
  finding: Finding
  /** Only with `keepsFields`. */
  fields: Fields | undefined
  /** Whether the time is a whole number to Python, as that of a date with a zone is. Only with `keepsFields`. */
  isWholeTime: boolean
}

export interface ExaminerOptions {
  /** Tries every pattern, and tells of lines that are no failures. */
  triesAll: boolean
  tellsPending: boolean
  /** Keeps the data of failures in Python's form, and their lines. */
  keepsFields: boolean
  /** Keeps what the prefix found. Without it a line whose prefix is known from other lines is not searched for it. */
  keepsPrefix: boolean
  /** Ids that need not be looked up come as empty texts. */
  isCounting?: boolean
  resolve: Resolve | undefined
  nowMs: number
}

/**
 * Looks at one line after another as `fail2ban-regex` does (spec section 11.1): no line is too old, all lines are in one stream. The result is in
 * its own fields, so that a line costs no object.
 */
export class Examiner {
  /** Of the present line only. */
  readonly found: Found[] = []
  readonly ignoredBy: CompiledPattern[] = []
  readonly forgiven: { pattern: CompiledPattern; success: Success }[] = []
  /** What the prefix found when it was tried last, be it in an earlier line. Only with `keepsPrefix`. */
  prefix: Match | null = null
  /** Whether it found anything then. */
  hasPrefix = false
  /** Whether it found anything in the present line. */
  isPrefixFound = false
  /** Set by who stopped it: the next line is the one that was stopped. */
  isAgain = false
  /** Patterns not to be tried any more. */
  readonly quarantine = new Quarantine()
  /** Knows the pattern at work when a search is stopped. */
  readonly runner = new PatternRunner(this.quarantine)
  readonly line = new CurrentLine()
  readonly dates: LineDates
  readonly #options: ExaminerOptions
  readonly #rules = new TimeRules({ jail: '', findTimeMs: 0, log: silentLog })
  readonly #finder: FailureFinder
  readonly #fields: PythonFields
  readonly #partsOf = new Map<string, LineParts>()
  readonly #maxlines: number
  readonly #hasZone: boolean
  #parts: LineParts = ['', '', '']
  #lastFound: FoundDate | undefined
  #isWholeTime = false
  /** Of the present line: what was cut out of it. */
  readonly #cutOut = { start: 0, end: 0 }
  #current: Fields | undefined
  #session: object | undefined
  readonly #emit = (finding: Finding) => this.#keep(finding)

  constructor(filter: CompiledFilter, options: ExaminerOptions) {
    this.#options = options
    this.#maxlines = filter.maxlines
    this.#hasZone = filter.zoneDefault !== undefined
    this.#fields = new PythonFields(filter.prefix?.pattern)
    this.dates = new LineDates(filter.templates, filter.zoneDefault)
    this.dates.setNow(options.nowMs)
    const { triesAll, tellsPending, keepsFields, keepsPrefix, isCounting = false, resolve } = options
    const onPrefixKnown = (isMatch: boolean) => {
      this.hasPrefix = isMatch
      this.isPrefixFound = isMatch
    }
    const onMatch = (hit: PatternHit) => this.#read(hit)
    this.#finder = new FailureFinder(filter, {
      triesAll,
      tellsPending,
      isBrief: !keepsFields,
      isCounting,
      resolve,
      runner: this.runner,
      onIgnored: (pattern) => this.ignoredBy.push(pattern),
      onSuccess: (success, pattern) => this.forgiven.push({ pattern, success }),
      probe: {
        onPrefix: (match) => {
          this.prefix = match
          this.hasPrefix = match !== null
          this.isPrefixFound = this.hasPrefix
        },
        ...(!keepsPrefix && { onPrefixKnown }),
        ...(keepsFields && { onMatch }),
      },
    })
  }

  get window(): readonly WindowLine[] {
    return this.#finder.window
  }

  /** Looks at the line from `start` to `end`, without its line end. `bytes`: the chunk, if it is all ASCII. Throws SearchTooLong. */
  examine(chunk: string, start: number, end: number, isChunkAscii: boolean, bytes?: Uint8Array): void {
    this.#clear()
    const { line, dates } = this
    line.chunk = chunk
    line.bytes = bytes
    line.start = start
    line.end = end
    dates.read(chunk, start, end, bytes)
    if (!this.isAgain) this.#countDate()
    this.isAgain = false
    const { nowMs, keepsFields } = this.#options
    if (!this.#rules.assign(line, dates, nowMs, false)) return
    line.cut(this.#rules.isCut ? dates : undefined)
    line.isAscii = isChunkAscii || isAscii(line.text)
    line.isOneLine = true
    this.#cutOut.start = this.#rules.isCut ? dates.cutStart : 0
    this.#cutOut.end = this.#rules.isCut ? dates.cutEnd : 0
    if (keepsFields) {
      this.#keepParts(chunk.slice(start, end))
      this.#learnKindOfTime()
    }
    this.#finder.find(line, nowMs, this.#emit)
  }

  /** Looks at a line whose time (epoch milliseconds) is known; it is written over the first `dateLength` characters of it. Throws SearchTooLong. */
  examineDated(text: string, dateLength: number, timeMs: number): void {
    this.#clear()
    const { line } = this
    line.chunk = text
    line.bytes = undefined
    line.start = 0
    line.end = text.length
    this.#rules.assignKnown(line, timeMs)
    line.text = `${text.slice(dateLength)}\n`
    line.textStart = -1
    line.isAscii = isAscii(line.text)
    line.isOneLine = true
    this.#cutOut.start = 0
    this.#cutOut.end = dateLength
    this.#isWholeTime = false
    if (this.#options.keepsFields) this.#keepParts(text)
    this.#finder.find(line, this.#options.nowMs, this.#emit)
  }

  /** Where the date of the present line was cut out of it. */
  get cut(): Readonly<{ start: number; end: number }> {
    return this.#cutOut
  }

  #clear(): void {
    this.isPrefixFound = false
    // NOTE: setting the length to 0 costs V8 five times as much for the one or two that there are.
    while (this.found.length > 0) this.found.pop()
    while (this.ignoredBy.length > 0) this.ignoredBy.pop()
    while (this.forgiven.length > 0) this.forgiven.pop()
  }

  /** A line that begins as the last one did is not searched for a date again, but counts. */
  #countDate(): void {
    const { outcome, found, detector } = this.dates
    if (outcome !== 'none' && found === this.#lastFound) detector.countAgain()
    this.#lastFound = found
  }

  /** A line without a date has the time of the last one that had one, or now. */
  #learnKindOfTime(): void {
    const { outcome, found } = this.dates
    if (outcome === 'empty') this.#isWholeTime &&= this.line.timeMs !== this.#options.nowMs
    if (outcome !== 'dated' || found === undefined) return
    const { name, pattern } = found.template
    const zone = found.match[pattern.slots.get('z') ?? pattern.slots.get('Z') ?? -1]
    const isEpoch = /epoch\b|\{l?epoch\}/i.test(name)
    this.#isWholeTime = name.includes('TAI64N') || (!isEpoch && (zone !== undefined || this.#hasZone))
  }

  #keepParts(text: string): void {
    const { start, end } = this.#cutOut
    this.#parts = [text.slice(0, start), text.slice(start, end), text.slice(end)]
    if (this.#maxlines === 1) return
    this.#partsOf.delete(text)
    this.#partsOf.set(text, this.#parts)
    keepNewest(this.#partsOf, this.#maxlines)
  }

  #read(hit: PatternHit): void {
    const lines = hit.lines?.map((text): LineParts => this.#partsOf.get(text) ?? ['', '', text]) ?? [this.#parts]
    this.#session = hit.session
    this.#current = this.#fields.read(hit, lines)
  }

  #keep(finding: Finding): void {
    if (finding.id === undefined) this.#fields.markPending(this.#session)
    this.found.push({ finding, fields: this.#current, isWholeTime: this.#isWholeTime })
  }
}
