import type { Failure } from '../domain/failure.js'
import type { Log } from '../lib/log.js'
import { ChunkReader, type ScanContext } from './chunk-reader.js'
import { SearchTooLong } from './dialect/machine.js'
import { isAscii } from './dialect/pattern.js'
import { FailureFinder } from './failure-finder.js'
import type { CompiledFilter, CompiledPattern } from './filter.js'
import type { Finding, Success } from './finding.js'
import type { Fuse } from './fuse.js'
import type { Resolve } from './identity.js'
import { LineDates } from './line-dates.js'
import { type LogText, lengthOf, lineEndAt } from './log-text.js'
import { ownCopy } from './own-copy.js'
import { PatternRunner } from './pattern-runner.js'
import { Prefilter, requiredLiterals } from './prefilter.js'
import { Quarantine } from './quarantine.js'
import type { Candidates } from './survey.js'
import { TimeRules } from './time-rules.js'

export interface LineMatcherOptions {
  jail: string
  findTimeMs: number
  log: Log
  /** Asked for the addresses of host names, synchronously. Without it a name yields no failure (but `usedns = raw` yields the name itself). */
  resolve?: Resolve
  /** Stops a pattern that takes too long. Without it one line can stall the process. */
  fuse?: Fuse
  /** Patterns that are out of use, shared by all sources of a jail. */
  quarantine?: Quarantine
  /** Called for lines of `successregex`, in their turn among the failures. Without it nobody looks for them. */
  onSuccess?: (success: Success) => void
  /** Reads every line in full. For comparing. */
  isSlow?: boolean
}

/** How long a chunk may take, and its share for each KiB: many times what the slowest sound filter needs. */
const chunkMs = 200
const chunkMsPerKiB = 0.5
/** How long reading so much text may take. */
export const chunkBudgetMs = (length: number): number => chunkMs + (length / 1024) * chunkMsPerKiB
/** How long one pattern may take on one line. */
const lineMs = 200
/** Less than this part of it in processor time: it was not the line's fault. */
const guiltyShare = 0.8

/** A line whose time is known. */
export interface Entry {
  text: string
  /** Epoch milliseconds. */
  timeMs: number
}

/** Finds the failures in the lines of one source for one jail. Keeps what must be known from line to line: the last date, sessions, the window. */
export class LineMatcher {
  /** Lines that were passed over because reading them took too long. */
  linesGivenUp = 0
  readonly #options: LineMatcherOptions
  readonly #quarantine: Quarantine
  readonly #runner: PatternRunner
  readonly #dates: LineDates
  readonly #rules: TimeRules
  readonly #finder: FailureFinder
  readonly #reader: ChunkReader
  #context: ScanContext = { nowMs: 0, live: true }
  #log: LogText = { text: '', bytes: undefined }
  #starts: Candidates = 'all'
  #found: (Failure | Success)[] = []
  /** Where reading was stopped last, and the processor time spent there over all tries. */
  #stoppedAt = -1
  #spentMs = 0
  /** The line that took all the time that a line may take, without a pattern to blame; -1: none did. */
  #suspectAt = -1
  /** Of the last run that was stopped; Infinity: a search gave itself up. */
  #lastSpentMs = 0
  readonly #emit = ({ id, timeMs, lines, fields }: Finding) => this.#keep(id, timeMs, lines, fields)

  constructor(filter: CompiledFilter, options: LineMatcherOptions) {
    this.#options = options
    this.#quarantine = options.quarantine ?? new Quarantine()
    this.#runner = new PatternRunner(this.#quarantine)
    this.#dates = new LineDates(filter.templates, filter.zoneDefault)
    this.#rules = new TimeRules(options)
    this.#finder = new FailureFinder(filter, {
      resolve: options.resolve,
      runner: this.#runner,
      onFailure: (id, timeMs, lines, fields) => this.#keep(id, timeMs, lines, fields),
      onSuccess: options.onSuccess && ((success) => this.#found.push(success)),
      onUndated: (line) => this.#rules.warnUndated(line, this.#context.nowMs, this.#reader.line.timeMs !== undefined),
    })
    const literals = options.isSlow === true ? undefined : requiredLiterals(filter)
    const prefilter = literals && new Prefilter(literals)
    this.#reader = new ChunkReader({ dates: this.#dates, rules: this.#rules, finder: this.#finder, prefilter })
  }

  /**
   * Reads whole lines, each ended by a line feed, and calls `onFailure` for each failure, in the order of the lines, when all are read. Lines are never longer
   * than 64 KiB (the reader sees to it).
   */
  scan(log: LogText | string, context: ScanContext, onFailure: (failure: Failure) => void): void {
    if (this.begin(typeof log === 'string' ? { text: log, bytes: undefined } : log, context)) this.#readOn(0)
    this.deliver(onFailure)
  }

  /** The first part of `scan`, for several matchers under one fuse: false when there is nothing to read. What follows is `read`, which must be guarded, or else `recover`; then `deliver`. */
  begin(log: LogText, context: ScanContext): boolean {
    this.#context = context
    this.#log = log
    this.#stoppedAt = -1
    this.#suspectAt = -1
    this.#starts = this.#reader.candidates(log, context.candidates)
    if (this.#starts === 'all' || this.#starts.length > 0) return true
    this.#reader.leave(log)
    return false
  }

  /** Reads all lines. Throws SearchTooLong. */
  read(): void {
    this.#reader.read(this.#log, 0, this.#starts, this.#context, this.#emit)
  }

  /** Goes on when `read` was stopped. */
  recover(): void {
    this.#lastSpentMs = this.#options.fuse?.spentMs ?? Number.POSITIVE_INFINITY
    this.#readOn(this.#afterStop())
  }

  /** As `scan`, for one line whose time is known from elsewhere, as the journal's. `text` is without its date and line end. */
  scanEntry(entry: Entry, context: ScanContext, onFailure: (failure: Failure) => void): void {
    if (!this.#runGuarded(() => this.readEntry(entry, context), lineMs)) this.recoverEntry(entry, context)
    this.deliver(onFailure)
  }

  /** As `read`, for an entry of the journal. Throws SearchTooLong. */
  readEntry({ text, timeMs }: Entry, context: ScanContext): void {
    this.#context = context
    const { line } = this.#reader
    line.chunk = text
    line.start = 0
    line.end = text.length
    this.#rules.assignKnown(line, timeMs)
    if (this.#rules.accept(line, context)) {
      line.text = `${text}\n`
      line.isAscii = isAscii(text)
      line.textStart = -1
      line.isOneLine = !text.includes('\n')
      this.#finder.find(line, context.nowMs, this.#emit)
    }
    line.chunk = ''
    line.text = ''
  }

  /** As `recover`, for an entry. */
  recoverEntry(entry: Entry, context: ScanContext): void {
    this.#stoppedAt = -1
    this.#spentMs = 0
    do {
      this.#findCulprit(entry.text)
      if (this.#runGuarded(() => this.readEntry(entry, context), lineMs)) return
    } while (this.#wasBusy(-1))
    this.#giveUp(entry.text)
  }

  /** Tells of the failures and successes that were found. */
  deliver(onFailure: (failure: Failure) => void): void {
    const found = this.#found
    if (found.length === 0) return
    this.#found = []
    const { onSuccess } = this.#options
    for (const one of found) {
      if ('lines' in one) onFailure(one)
      else onSuccess?.(one)
    }
  }

  #readOn(begin: number): void {
    const length = lengthOf(this.#log)
    const budgetMs = chunkBudgetMs(length)
    let from = begin
    while (from < length && !this.#readGuarded(from, budgetMs)) from = this.#afterStop()
    // Stopped behind the last line: `read` is not called again, so it has not left.
    if (from >= length) this.#reader.leave(this.#log)
  }

  /** Where to go on after a stop. */
  #afterStop(): number {
    const { resumeAt } = this.#reader
    if (this.#wasBusy(resumeAt)) return resumeAt
    const { text } = this.#log
    const end = lineEndAt(text, resumeAt)
    const line = text.slice(resumeAt, end)
    this.#spentMs = 0
    if (this.#findCulprit(line)) return resumeAt
    // Twice at the same line without a pattern to blame: the line is given up, or there would be no end.
    if (this.#suspectAt === resumeAt) {
      this.#giveUp(line)
      return end + 1
    }
    this.#suspectAt = resumeAt
    return resumeAt
  }

  #giveUp(line: string): void {
    this.linesGivenUp++
    const { jail, log } = this.#options
    log.write(
      'WARNING',
      'filter',
      `[${jail}] A line took more than ${lineMs} ms and is passed over: ${line.slice(0, 1000)}`,
    )
  }

  /** Whether the stop at this place is the machine's fault: what was spent there, over all tries, is less than a line may take. */
  #wasBusy(place: number): boolean {
    if (place !== this.#stoppedAt) this.#spentMs = 0
    this.#stoppedAt = place
    this.#spentMs += this.#lastSpentMs
    return this.#spentMs < lineMs * guiltyShare
  }

  #keep(id: string | undefined, timeMs: number | undefined, lines: string[], data: Failure['data']): void {
    if (id === undefined || timeMs === undefined) return
    const { nowMs } = this.#context
    this.#found.push({ id, timeMs: timeMs < nowMs ? timeMs : nowMs, lines, data })
  }

  #readGuarded(from: number, budgetMs: number): boolean {
    return this.#runGuarded(() => this.#reader.read(this.#log, from, this.#starts, this.#context, this.#emit), budgetMs)
  }

  /** Runs the task; false: it was stopped, or a search gave itself up. */
  #runGuarded(task: () => void, budgetMs: number): boolean {
    const { fuse } = this.#options
    if (fuse === undefined) return this.#runUnguarded(task)
    const isDone = fuse.run(task, budgetMs)
    this.#lastSpentMs = fuse.spentMs
    return isDone
  }

  #runUnguarded(task: () => void): boolean {
    try {
      task()
      return true
    } catch (error) {
      if (!(error instanceof SearchTooLong)) throw error
      this.#lastSpentMs = Number.POSITIVE_INFINITY
      return false
    }
  }

  /**
   * After a stop: whether one pattern alone takes too long on the line that was read. If so it goes out of use. Otherwise the machine was busy, and reading goes on
   * where it stopped.
   */
  #findCulprit(lineRead: string): boolean {
    const stalled = this.#runner.takeStalled()
    if (stalled === undefined) return this.#findSlowDate()
    const { pattern, text } = stalled
    if (!this.#takesTooLong(() => pattern.pattern.exec(text, isAscii(text)))) return false
    const line = ownCopy(lineRead)
    this.#quarantine.add({ pattern, line, sinceMs: this.#context.nowMs })
    this.#tell(pattern, line)
    return true
  }

  #findSlowDate(): boolean {
    const stalled = this.#dates.takeStalled()
    if (stalled === undefined) return false
    const { template, text } = stalled
    if (!this.#takesTooLong(() => template.find(text, isAscii(text)))) return false
    this.#dates.detector.drop(template)
    this.#tellOutOfUse(`Date pattern ${template.name}`, text)
    return true
  }

  /** Whether a search by itself takes more than a line may. */
  #takesTooLong(search: () => void): boolean {
    for (let spentMs = 0; spentMs < lineMs * guiltyShare; spentMs += this.#lastSpentMs)
      if (this.#runGuarded(search, lineMs)) return false
    return true
  }

  #tell({ pattern, origin, index }: CompiledPattern, line: string): void {
    this.#tellOutOfUse(`Regex ${index + 1} (${origin.file}:${origin.line})`, line, `: ${pattern.source}`)
  }

  #tellOutOfUse(what: string, line: string, source = ''): void {
    const { jail, log } = this.#options
    const fate = `took more than ${lineMs} ms for one line and is out of use until the jail is reloaded${source}`
    log.write('ERROR', 'filter', `[${jail}] ${what} ${fate}`)
    log.write('ERROR', 'filter', `[${jail}] The line was: ${line.slice(0, 1000)}`)
  }
}
