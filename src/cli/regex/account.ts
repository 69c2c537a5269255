import { ownCopy } from '../../match/own-copy.js'
import { Examiner, type Found } from './examiner.js'
import { LineRun, type Stall } from './line-run.js'
import type { Log } from './log-choice.js'
import type { NameLookup } from './name-lookup.js'
import { type Fields, type FieldValue, Tuple } from './python-fields.js'
import { readWhole } from './read-whole.js'
import { type Span, spansOf } from './spans.js'
import { kindOf as kindOfPattern, type PatternKind, stallText } from './stall-text.js'
import type { Subject } from './subject.js'
import { type Stopwatch, timedFilter } from './timed.js'

/** `forgiven`: a `successregex` matched. */
export type LineKind = 'matched' | 'ignored' | 'missed' | 'forgiven'

/** A line as it is shown. */
export interface ShownLine {
  kind: LineKind
  line: string
  /** The parts that the date and the first pattern took. */
  spans: Span[]
  /** What the patterns found. */
  findings: {
    pattern: number
    id: string | null
    timeMs: number | null
    nofail: boolean
    fields: Record<string, unknown>
  }[]
  /** Numbers of the ignoreregexes that matched. */
  ignoredBy: number[]
  /** Who is forgiven his failures, by which successregex. */
  forgiven: { pattern: number; id: string; user: string | null }[]
}

/** A pattern with what it did. */
export interface PatternAccount {
  kind: PatternKind
  /** From 1, as `fail2ban-regex` counts. */
  number: number
  regex: string
  /** Where it is written. */
  origin: string
  hits: number
  /** How often it was tried. */
  runs: number
  elapsedMs: number
  longestMs: number
  /** It took too long on a line and was not tried any more behind it. */
  isStopped: boolean
}

/** Everything that `tocsin regex` tells. */
export interface Account {
  counts: Record<LineKind, number>
  lines: ShownLine[]
  patterns: PatternAccount[]
  dates: { name: string; hits: number }[]
  /** Sentences on what took too long or was too long, and on which line. */
  remarks: string[]
}

export interface AccountOptions {
  lookup: NameLookup
  nowMs: number
  /** Lines shown of each kind; the rest is only counted. */
  linesMax: number
}

/** Reads all lines and keeps account of what each pattern did. */
export async function account(log: Log, subject: Subject, options: AccountOptions): Promise<Account> {
  const { filter: plain } = subject
  const { filter, watches } = timedFilter(plain)
  const { lookup, nowMs } = options
  const examiner = new Examiner(filter, {
    triesAll: true,
    tellsPending: true,
    keepsFields: true,
    keepsPrefix: true,
    resolve: (name) => lookup.addresses(name),
    nowMs,
  })
  const counts = { matched: 0, ignored: 0, missed: 0, forgiven: 0 }
  const hits = {
    fail: plain.fail.map(() => 0),
    ignore: plain.ignore.map(() => 0),
    success: plain.success.map(() => 0),
    prefix: 0,
  }
  const lines: ShownLine[] = []
  const remarks: string[] = []
  const stopped = new Set<string>()
  const visit = (chunk: string, start: number, end: number) => {
    if (examiner.isPrefixFound) hits.prefix++
    for (const { index } of examiner.ignoredBy) hits.ignore[index] = (hits.ignore[index] ?? 0) + 1
    const [forgiving] = examiner.forgiven
    if (forgiving !== undefined) {
      const { index } = forgiving.pattern
      hits.success[index] = (hits.success[index] ?? 0) + 1
    }
    for (const { finding } of examiner.found) {
      const { index } = finding.pattern
      hits.fail[index] = (hits.fail[index] ?? 0) + 1
    }
    const kind = kindOf(examiner)
    if (++counts[kind] <= options.linesMax) lines.push(shown(kind, chunk.slice(start, end), examiner, subject))
  }
  const onStall = (stall: Stall) => {
    remarks.push(stallText(stall, filter))
    if (stall.pattern !== undefined) stopped.add(`${kindOfPattern(stall.pattern, filter)} ${stall.pattern.index}`)
  }
  remarks.push(...(await readWhole(log, new LineRun(examiner, { lookup, visit, onStall }))))
  const dates = examiner.dates.detector.tally.flatMap(({ template, hits }) =>
    hits > 0 ? [{ name: template.name, hits }] : [],
  )
  return { counts, lines, patterns: patternAccounts(subject, { hits, watches, stopped }), dates, remarks }
}

function kindOf({ found, ignoredBy, forgiven }: Examiner): LineKind {
  if (forgiven.length > 0) return 'forgiven'
  if (ignoredBy.length > 0 || found.some(({ finding }) => finding.isNofail)) return 'ignored'
  return found.length > 0 ? 'matched' : 'missed'
}

function shown(kind: LineKind, line: string, examiner: Examiner, { filter }: Subject): ShownLine {
  const [first] = examiner.found
  const [forgiving] = examiner.forgiven
  const ofFailure = first === undefined ? undefined : filter.fail[first.finding.pattern.index]
  const pattern = (forgiving === undefined ? ofFailure : filter.success[forgiving.pattern.index])?.pattern
  const { cut } = examiner
  const date = cut.end > cut.start ? [{ name: 'date', ...cut }] : []
  // A match over several lines begins in another one.
  const spans =
    pattern === undefined || filter.maxlines > 1
      ? date
      : spansOf({ text: examiner.line.text, cut, prefix: filter.prefix?.pattern, pattern })
  return {
    kind,
    line: ownCopy(line),
    spans,
    findings: examiner.found.map(plainFinding),
    ignoredBy: examiner.ignoredBy.map(({ index }) => index + 1),
    forgiven: examiner.forgiven.map(({ pattern: { index }, success: { id, user } }) => ({
      pattern: index + 1,
      id,
      user: user ?? null,
    })),
  }
}

function plainFinding({ finding, fields }: Found): ShownLine['findings'][number] {
  return {
    pattern: finding.pattern.index + 1,
    id: finding.id ?? null,
    timeMs: finding.timeMs ?? null,
    nofail: finding.isNofail,
    fields: plainFields(fields ?? new Map()),
  }
}

function plainFields(fields: Fields): Record<string, unknown> {
  const own = [...fields].filter(([name, value]) => name !== 'matches' && value !== null)
  return Object.fromEntries(own.map(([name, value]) => [name, plainValue(value)]))
}

function plainValue(value: FieldValue): unknown {
  if (value instanceof Tuple) return value.items
  return value instanceof Set ? [...value] : value
}

function patternAccounts(
  { filter, failregex, ignoreregex, successregex }: Subject,
  {
    hits,
    watches,
    stopped,
  }: {
    hits: { fail: readonly number[]; ignore: readonly number[]; success: readonly number[]; prefix: number }
    watches: ReadonlyMap<object, Stopwatch>
    stopped: ReadonlySet<string>
  },
): PatternAccount[] {
  const one = (
    kind: PatternAccount['kind'],
    compiled: (typeof filter.fail)[number],
    regex: string,
    count: number,
  ): PatternAccount => {
    const { file, line } = compiled.origin
    const watch = watches.get(compiled.pattern) ?? { elapsedMs: 0, runs: 0, longestMs: 0 }
    return {
      kind,
      number: compiled.index + 1,
      regex,
      origin: line > 0 ? `${file}:${line}` : file,
      hits: count,
      ...watch,
      isStopped: stopped.has(`${kind} ${compiled.index}`),
    }
  }
  return [
    ...(filter.prefix === undefined
      ? []
      : [one('prefregex', filter.prefix, filter.prefix.pattern.source, hits.prefix)]),
    ...filter.fail.map((each, i) => one('failregex', each, failregex[i] ?? '', hits.fail[i] ?? 0)),
    ...filter.success.map((each, i) => one('successregex', each, successregex[i] ?? '', hits.success[i] ?? 0)),
    ...filter.ignore.map((each, i) => one('ignoreregex', each, ignoreregex[i] ?? '', hits.ignore[i] ?? 0)),
  ]
}
