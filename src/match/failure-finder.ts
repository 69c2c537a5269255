import type { CurrentLine } from './current-line.js'
import { isAscii, type Match } from './dialect/pattern.js'
import { Dispatch } from './dispatch.js'
import { FieldPlan, FieldTable, type FieldValues, type LineState, place, wellKnownCount } from './field-table.js'
import type { CompiledFilter, CompiledPattern } from './filter.js'
import { identify, type Resolve } from './identity.js'
import { copyOver, ownCopy } from './own-copy.js'
import { Prefix } from './prefix.js'
import type { Quarantine } from './quarantine.js'
import { type LineText, type Session, Sessions, usersOf } from './sessions.js'
import { splitWindow, type WindowLine } from './window.js'

/** What a pattern found in a line. */
export interface Finding {
  pattern: CompiledPattern
  /** Undefined: a session that waits for an address. */
  id: string | undefined
  timeMs: number | undefined
  fields: Record<string, string>
  lines: string[]
  /** User names tried in the session; told only when all patterns are tried. */
  users: ReadonlySet<string> | undefined
  /** Not to be counted (`<F-NOFAIL>`); told only when all patterns are tried. */
  isNofail: boolean
}

export interface FinderOptions {
  /** Tries every pattern, and tells what is no failure too: for tools that show how a filter works. */
  triesAll?: boolean
  resolve?: Resolve | undefined
  /** Patterns not to be used. A prefix that is out lets no line through, an ignoreregex ignores none. */
  quarantine?: Quarantine
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

/** A line that forgives: somebody got in. Its texts own their memory. */
export interface Success {
  id: string
  user: string | undefined
}

/** Is shown the search at work, for tools that tell more of it than its findings. */
export interface Probe {
  /** The prefix was tried on a line. */
  onPrefix?(match: Match | null): void
  /** Whether the prefix matches was known from other lines. When this is missing, all lines are searched. */
  onPrefixKnown?(isMatch: boolean): void
  /** A pattern matched and its fields were merged into its session, if there is one; its findings follow. */
  onMatch?(hit: PatternHit): void
}

export interface PatternHit {
  pattern: CompiledPattern
  match: Match
  /** The match of the prefix. */
  before: Match | undefined
  session: Session | undefined
  /** The lines of a multi-line match, as written; undefined: the line itself. */
  lines: readonly string[] | undefined
}

/** Finds failures in one line after another (spec section 3.4). Keeps the sessions and the window of lines of one stream. */
export class FailureFinder {
  /** The pattern that is running, and on which text: for those who stop it when it takes too long. */
  running: CompiledPattern | undefined
  searched = ''
  readonly #filter: CompiledFilter
  readonly #options: FinderOptions
  readonly #quarantine: Quarantine | undefined
  readonly #prefix: Prefix | undefined
  readonly #dispatch: Dispatch<CompiledPattern>
  readonly #table: FieldTable
  readonly #plans: readonly FieldPlan[]
  readonly #state: LineState = { isNofail: false, isGained: false, isForgotten: false }
  readonly #mayRecall: boolean
  readonly #ignoresLinesFirst: boolean
  readonly #sessions: Sessions
  /** Fields of the match at hand, as windows into the chunk. */
  readonly #scratch: { values: FieldValues; places: readonly number[]; kept: readonly number[] }
  /** For each fail pattern the places of its fields and the prefix's, and of those that a session keeps. */
  readonly #placesOf: readonly (readonly number[])[]
  readonly #keptOf: readonly (readonly number[])[]
  readonly #looksForSuccess: boolean
  readonly #successPlans: readonly FieldPlan[]
  #window: readonly WindowLine[] = []

  constructor(filter: CompiledFilter, options: FinderOptions) {
    this.#filter = filter
    this.#options = options
    this.#quarantine = options.quarantine
    const patterns = [...filter.fail, ...filter.success]
    const all = filter.prefix === undefined ? patterns : [filter.prefix, ...patterns]
    this.#table = new FieldTable(all.map(({ pattern }) => pattern))
    this.#looksForSuccess = options.onSuccess !== undefined && filter.success.length > 0
    this.#successPlans = filter.success.map((pattern) => new FieldPlan(pattern, this.#table))
    this.#scratch = { values: this.#table.empty(), places: noPlaces, kept: noPlaces }
    this.#sessions = new Sessions({
      isThorough: options.triesAll === true || options.probe !== undefined,
      isBrief: options.isBrief === true,
    })
    this.#plans = filter.fail.map((pattern) => new FieldPlan(pattern, this.#table))
    this.#prefix = filter.prefix && new Prefix(filter.prefix, this.#table)
    const ofPrefix = this.#prefix?.fields.places ?? noPlaces
    this.#placesOf = this.#plans.map((plan) => [...new Set([...ofPrefix, ...plan.places])])
    const isKept = (at: number) => options.isBrief !== true || at < wellKnownCount
    this.#keptOf = this.#placesOf.map((places) => places.filter(isKept))
    this.#dispatch = new Dispatch(filter.fail, ({ pattern }) => pattern.syntax.root)
    // Tools are shown the match itself, unless they can do without.
    const isWatched = options.triesAll === true || options.probe !== undefined
    this.#mayRecall = filter.maxlines === 1 && (!isWatched || options.probe?.onPrefixKnown !== undefined)
    this.#ignoresLinesFirst = filter.ignore.length > 0 && filter.ignore.length < filter.fail.length - 2
  }

  /** The lines of the multi-line window that no match has taken yet. */
  get window(): readonly WindowLine[] {
    return this.#window
  }

  find(line: CurrentLine, nowMs: number, emit: (finding: Finding) => void): void {
    const isWindowed = this.#filter.maxlines > 1
    const window = isWindowed ? this.#grow(line) : undefined
    const ascii = window === undefined ? line.isAscii : isAscii(textOf(window))
    if (this.#ignoresLinesFirst && this.#isIgnored(window === undefined ? line.text : textOf(window), ascii)) return
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
        const found = this.#exec(this.#prefix.compiled, whole, ascii)
        this.#options.probe?.onPrefix?.(found)
        if (found === null) return
        before = found
        text = this.#prefix.contentOf(whole, found)
        if (window !== undefined && text !== whole)
          this.#window = [{ text: text.slice(0, -1), full: text.slice(0, -1) }]
      }
    }
    const isSuccess = this.#looksForSuccess && this.#findSuccess(line, window === undefined ? text : undefined, before)
    this.#tryPatterns(line, text, ascii, before, window, nowMs, isSuccess ? nobody : emit)
  }

  /** Whether the line forgives; it is told then. `content`: what the prefix leaves of it; undefined: not known for this line alone. */
  #findSuccess(line: CurrentLine, content: string | undefined, before: Match | undefined): boolean {
    let text = content ?? line.text
    let prefix = before
    if (content === undefined && this.#prefix !== undefined) {
      // NOTE: in a window the line would be found again with each of the next ones.
      const found = this.#exec(this.#prefix.compiled, text, line.isAscii)
      if (found === null) return false
      prefix = found
      text = this.#prefix.contentOf(text, found)
    }
    for (const pattern of this.#filter.success) {
      const match = this.#exec(pattern, text, line.isAscii)
      if (match === null || this.#isIgnored(text, line.isAscii)) continue
      const values = this.#table.empty()
      if (prefix === undefined) this.#prefix?.fillRecalled(values)
      else this.#prefix?.fields.fill(values, prefix)
      this.#successPlans[pattern.index]?.fill(values, match)
      const ids = identify(values, this.#filter.usedns, this.#options.resolve) ?? []
      const user = values[place.user]
      for (const id of typeof ids === 'object' ? ids : [ids])
        this.#options.onSuccess?.({ id: ownCopy(id), user: user === undefined ? undefined : ownCopy(user) }, pattern)
      return true
    }
    return false
  }

  #recall(line: CurrentLine): string | undefined {
    return this.#quarantine?.isEmpty === false ? undefined : this.#prefix?.recall(line)
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
      const match = this.#exec(candidate, text, ascii)
      if (match === null) continue
      const split =
        window &&
        splitWindow(window, text, match.index, match.index + (match[0]?.length ?? 0), skippedLines(candidate, match))
      if (this.#filter.ignore.length > 0) {
        const searched = split === undefined ? text : textOf(split.matched)
        if (this.#isIgnored(searched, split === undefined ? ascii : isAscii(searched))) {
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
    const { values: own } = this.#scratch
    const state = this.#readMatch(pattern, match, before)
    const mlfid = own[place.mlfid]
    const session = mlfid === undefined ? undefined : this.#sessions.merge(mlfid, this.#scratch, state, source, nowMs)
    if (mlfid !== undefined && session === undefined) return true
    // NOTE: a line of no session is a failure all the same; only Fail2ban's tool looks at the mark.
    const isNofail = session?.isNofail ?? (triesAll === true && state.isNofail)
    probe?.onMatch?.({ pattern, match, before, session, lines: matched?.map((each) => each.full) })
    if (isNofail && !triesAll) return true
    const values = session?.values ?? this.#copied()
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

  /** Puts the fields of the match into the scratch. */
  #readMatch(pattern: CompiledPattern, match: Match, before: Match | undefined): LineState {
    const state = this.#state
    const scratch = this.#scratch
    const { values } = scratch
    for (let i = 0; i < scratch.places.length; i++) values[scratch.places[i] ?? 0] = undefined
    scratch.places = this.#placesOf[pattern.index] ?? noPlaces
    scratch.kept = this.#keptOf[pattern.index] ?? noPlaces
    state.isNofail = false
    state.isGained = false
    state.isForgotten = false
    const plan = this.#plans[pattern.index]
    if (before === undefined) this.#prefix?.fillRecalled(values)
    else {
      this.#prefix?.fields.fill(values, before)
      this.#prefix?.fields.readState(state, before)
    }
    plan?.fill(values, match)
    plan?.readState(state, match)
    return state
  }

  #copied(): FieldValues {
    const copies = this.#table.empty()
    copyOver(copies, this.#scratch.values, this.#scratch.places)
    return copies
  }

  #grow(line: CurrentLine): readonly WindowLine[] {
    this.#window = [...this.#window, { text: line.text.slice(0, -1), full: line.full() }].slice(-this.#filter.maxlines)
    return this.#window
  }

  #isIgnored(text: string, ascii: boolean): boolean {
    let is = false
    for (const pattern of this.#filter.ignore) {
      if (this.#exec(pattern, text, ascii) === null) continue
      is = true
      this.#options.onIgnored?.(pattern)
      if (!this.#options.triesAll) break
    }
    return is
  }

  #exec(compiled: CompiledPattern, text: string, ascii: boolean): Match | null {
    if (this.#quarantine?.isEmpty === false && this.#quarantine.has(compiled)) return null
    this.running = compiled
    this.searched = text
    const match = compiled.pattern.exec(text, ascii)
    this.running = undefined
    return match
  }
}

/** A success is no failure, but its line still belongs to its session. */
const nobody = () => {}
const isAddressed = (values: FieldValues): boolean => values[place.ip4] !== undefined || values[place.ip6] !== undefined

const nothing: Record<string, string> = {}
const noLines: string[] = []
const noPlaces: readonly number[] = []
const noText: LineText = { full: () => '' }

const textAsWritten = (lines: readonly WindowLine[]): string => lines.map((line) => line.full).join('\n')

const textOf = (lines: readonly WindowLine[]): string => `${lines.map((line) => line.text).join('\n')}\n`

/** Lines that the match's `<SKIPLINES>` went over. */
function skippedLines({ pattern }: CompiledPattern, match: Match): string[] {
  let text = ''
  for (let n = 0; pattern.slots.has(`skiplines${n}`); n++) text += match[pattern.slots.get(`skiplines${n}`) ?? 0] ?? ''
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}
