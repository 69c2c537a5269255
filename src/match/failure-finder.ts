import type { CurrentLine } from './current-line.js'
import { isAscii, type Match } from './dialect/pattern.js'
import { Dispatch } from './dispatch.js'
import { FieldTable, type FieldValues, place } from './field-table.js'
import type { CompiledFilter, CompiledPattern } from './filter.js'
import type { Finding, Probe, Success } from './finding.js'
import { identify, type Resolve } from './identity.js'
import { Ignoring } from './ignoring.js'
import { MatchFields } from './match-fields.js'
import { PatternRunner } from './pattern-runner.js'
import { Prefix } from './prefix.js'
import { type LineText, Sessions, usersOf } from './sessions.js'
import { Successes } from './successes.js'
import { splitWindow, textOf, type WindowLine } from './window.js'

export interface FinderOptions {
  /** Tries every pattern, and tells what is no failure too: for tools that show how a filter works. */
  triesAll?: boolean
  resolve?: Resolve | undefined
  /** Runs the patterns. A prefix that is out of use lets no line through, an ignoreregex ignores none. */
  runner?: PatternRunner
  /** Called when a pattern matched although the line has no date; false: such a line is not to be reported. */
  onUndated?: (line: string) => boolean
  onIgnored?: (pattern: CompiledPattern) => void
  /** Called for a line of `successregex`, which then is no failure. Without it nobody looks for them. */
  onSuccess?: ((success: Success, pattern: CompiledPattern) => void) | undefined
  /** Tells also, when not all patterns are tried, of failures that wait for an address. */
  tellsPending?: boolean
  /** Findings come without their lines and fields: for counting. */
  isBrief?: boolean
  /** An id that needs not be looked up comes as the empty text: for counting how many there are. */
  isCounting?: boolean
  /** Is told of the failures of one id instead of `emit`: for those who need no more of them. */
  onFailure?: (
    id: string | undefined,
    timeMs: number | undefined,
    lines: string[],
    fields: Record<string, string>,
  ) => void
  probe?: Probe
}

/** Finds failures in one line after another (spec section 3.4). Keeps the sessions and the window of lines of one stream. */
export class FailureFinder {
  readonly #filter: CompiledFilter
  readonly #options: FinderOptions
  readonly #runner: PatternRunner
  readonly #prefix: Prefix | undefined
  readonly #dispatch: Dispatch<CompiledPattern>
  readonly #table: FieldTable
  /** Of the match at hand. */
  readonly #fields: MatchFields
  readonly #ignoring: Ignoring
  /** Undefined: nobody looks for them. */
  readonly #successes: Successes | undefined
  readonly #mayRecall: boolean
  readonly #ignoresLinesFirst: boolean
  readonly #sessions: Sessions
  #window: readonly WindowLine[] = []

  constructor(filter: CompiledFilter, options: FinderOptions) {
    const { fail, success, ignore, prefix, maxlines } = filter
    const { triesAll = false, isBrief = false, runner = new PatternRunner(), probe } = options
    this.#filter = filter
    this.#options = options
    this.#runner = runner
    this.#table = new FieldTable([prefix ?? [], fail, success].flat().map(({ pattern }) => pattern))
    this.#prefix = prefix && new Prefix(prefix, this.#table)
    this.#fields = new MatchFields(fail, { table: this.#table, prefix: this.#prefix, isBrief })
    this.#ignoring = new Ignoring(ignore, runner, options)
    this.#successes = this.#successesOf(success)
    this.#dispatch = new Dispatch(fail, ({ pattern }) => pattern.syntax.root)
    const isWatched = triesAll || probe !== undefined
    this.#sessions = new Sessions({ isThorough: isWatched, isBrief })
    // Tools are shown the match itself, unless they can do without.
    this.#mayRecall = maxlines === 1 && (!isWatched || probe?.onPrefixKnown !== undefined)
    this.#ignoresLinesFirst = ignore.length > 0 && ignore.length < fail.length - 2
  }

  /** The lines of the multi-line window that no match has taken yet. */
  get window(): readonly WindowLine[] {
    return this.#window
  }

  find(line: CurrentLine, nowMs: number, emit: (finding: Finding) => void): void {
    const isWindowed = this.#filter.maxlines > 1
    const window = isWindowed ? this.#grow(line) : undefined
    const ascii = window === undefined ? line.isAscii : isAscii(textOf(window))
    if (this.#ignoresLinesFirst && this.#ignoring.covers(window === undefined ? line.text : textOf(window), ascii))
      return
    let text: string
    let before: Match | undefined
    const recalled = this.#mayRecall && line.isOneLine ? this.#recall(line) : undefined
    if (recalled !== undefined) this.#options.probe?.onPrefixKnown?.(recalled !== '')
    if (recalled === '') return
    if (recalled !== undefined) text = recalled
    else {
      const whole = window === undefined ? line.text : textOf(window)
      text = whole
      if (this.#prefix !== undefined) {
        const found = this.#runner.exec(this.#prefix.compiled, whole, ascii)
        this.#options.probe?.onPrefix?.(found)
        if (found === null) return
        before = found
        text = this.#prefix.contentOf(whole, found)
        if (window !== undefined && text !== whole)
          this.#window = [{ text: text.slice(0, -1), full: text.slice(0, -1) }]
      }
    }
    const isSuccess =
      window === undefined ? this.#successes?.find(text, ascii, before) : this.#successes?.findAlone(line)
    this.#tryPatterns(line, text, ascii, before, window, nowMs, isSuccess ? nobody : emit)
  }

  #recall(line: CurrentLine): string | undefined {
    return this.#runner.usesAll ? this.#prefix?.recall(line) : undefined
  }

  #tryPatterns(
    line: CurrentLine,
    given: string,
    ascii: boolean,
    before: Match | undefined,
    window: readonly WindowLine[] | undefined,
    nowMs: number,
    emit: (finding: Finding) => void,
  ): void {
    let text = given
    const candidates = window === undefined ? this.#dispatch.candidates(text) : this.#filter.fail
    for (let i = 0; i < candidates.length; i++) {
      const candidate = candidates[i]
      if (candidate === undefined) return
      const match = this.#runner.exec(candidate, text, ascii)
      if (match === null) continue
      const split = window && splitWindow(window, text, candidate, match)
      if (this.#ignoring.count > 0) {
        const searched = split === undefined ? text : textOf(split.matched)
        if (this.#ignoring.covers(searched, split === undefined ? ascii : isAscii(searched))) {
          if (split !== undefined) this.#window = split.left
          if (!this.#options.triesAll) return
          if (split !== undefined) text = textOf(this.#window)
          continue
        }
      }
      if (split !== undefined) {
        this.#window = split.left
        text = textOf(split.left)
      }
      const isLast = this.#report(line, candidate, match, before, split?.matched, nowMs, emit)
      if (isLast && !this.#options.triesAll) return
    }
  }

  /** Tells what a pattern found; false: the match names nobody, and the next pattern is to be tried. */
  #report(
    line: CurrentLine,
    pattern: CompiledPattern,
    match: Match,
    before: Match | undefined,
    matched: readonly WindowLine[] | undefined,
    nowMs: number,
    emit: (finding: Finding) => void,
  ): boolean {
    const { triesAll, tellsPending, isBrief, isCounting, onUndated, onFailure, resolve, probe } = this.#options
    const source: LineText = isBrief ? noText : matched === undefined ? line : { full: () => textAsWritten(matched) }
    if (!line.isDated && onUndated !== undefined && !onUndated(source.full())) return false
    const found = this.#fields
    found.read(pattern, match, before)
    const mlfid = found.values[place.mlfid]
    const session = mlfid === undefined ? undefined : this.#sessions.merge(mlfid, found, source, nowMs)
    if (mlfid !== undefined && session === undefined) return true
    // NOTE: a line of no session is a failure all the same; only Fail2ban's tool looks at the mark.
    const isNofail = session?.isNofail ?? (triesAll === true && found.state.isNofail)
    probe?.onMatch?.({ pattern, match, before, session, lines: matched?.map((each) => each.full) })
    if (isNofail && !triesAll) return true
    const values = session?.values ?? found.copies()
    const ids = isCounting && isAddressed(values) ? '' : identify(values, this.#filter.usedns, resolve)
    if (ids === undefined && session === undefined) return false
    if (ids === undefined && session !== undefined) session.isPending = true
    if (ids === undefined && !triesAll && !tellsPending) return true
    const fields = isBrief ? nothing : this.#table.toRecord(values)
    // A session starts a new list after what was told, so the list can be given away.
    const lines = isBrief ? noLines : (session?.lines ?? matched?.map((each) => each.full) ?? [line.full()])
    const { timeMs } = line
    const users = triesAll && !isBrief && session !== undefined ? usersOf(session) : undefined
    // NOTE: written out, for `{ ...finding, id }` took 1.6 µs here, more than all patterns together.
    if (onFailure !== undefined && emit !== nobody && typeof ids !== 'object') onFailure(ids, timeMs, lines, fields)
    else if (typeof ids !== 'object') emit({ pattern, id: ids, timeMs, fields, lines, users, isNofail })
    else for (const id of ids) emit({ pattern, id, timeMs, fields, lines, users, isNofail })
    return true
  }

  #grow(line: CurrentLine): readonly WindowLine[] {
    this.#window = [...this.#window, { text: line.text.slice(0, -1), full: line.full() }].slice(-this.#filter.maxlines)
    return this.#window
  }

  #successesOf(patterns: readonly CompiledPattern[]): Successes | undefined {
    const { onSuccess, resolve } = this.#options
    if (onSuccess === undefined || patterns.length === 0) return undefined
    const fields = new MatchFields(patterns, { table: this.#table, prefix: this.#prefix, isBrief: false })
    const { runner, prefix, ignoring } = { runner: this.#runner, prefix: this.#prefix, ignoring: this.#ignoring }
    return new Successes(this.#filter, { runner, prefix, fields, ignoring, resolve, onSuccess })
  }
}

/** A success is no failure, but its line still belongs to its session. */
const nobody = () => {}
const isAddressed = (values: FieldValues): boolean => values[place.ip4] !== undefined || values[place.ip6] !== undefined

const nothing: Record<string, string> = {}
const noLines: string[] = []
const noText: LineText = { full: () => '' }

const textAsWritten = (lines: readonly WindowLine[]): string => lines.map((line) => line.full).join('\n')
