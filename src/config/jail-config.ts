import type { Origin, Problem, Sourced } from '../domain/origin.js'
import type { ActionSpec } from '../firewall/action-spec.js'
import type { BanTimeIncrement, JailSpec } from '../jail/jail-spec.js'
import type { FilterSpec, UseDns } from '../match/filter-spec.js'
import type { LogPath, SourceSpec } from '../source/source-spec.js'
import { propertiesOf } from './action-file.js'
import { ConfigError } from './config-error.js'
import { parseDurationMs } from './duration.js'
import type { ActionEntry, JailContext, JailReading } from './jail-file.js'
import { tracedOf, type Value } from './merged-ini.js'
import { parseOptionList } from './option-list.js'
import { textOf } from './server-options.js'
import { linesOf, originOf, type Traced, wordsOf } from './traced.js'
import type { Option } from './typed-options.js'
import { asInt } from './value.js'

/** One enabled jail, ready to be built. */
export interface JailConfig {
  name: string
  filter: FilterSpec
  source: SourceSpec
  /**
   * What to read when none of the files of `source` exists: the journal, if the jail has `backend = auto` and its own
   * `journalmatch` (spec 1.12). Undefined: wait for the files.
   */
  sourceWithoutFiles?: SourceSpec
  jail: JailSpec
  actions: readonly ActionSpec[]
  /** The jail's `port` and `protocol` as written, interpolated: `ssh,80,1000:2000`, `0:65535`, `tcp`. */
  scope: { port: Sourced | undefined; protocol: Sourced | undefined }
  /** As written, for `get`, `-d` and the comparison at reload. */
  backend: string
  /** The `[jail]` header. */
  origin: Origin
}

/** Undefined when a value is wrong; then `problems` says so. Throws ConfigError for tags in a circle. */
export function jailConfig(reading: JailReading, context: JailContext, problems: Problem[]): JailConfig | undefined {
  const before = problems.length
  const values = new Values(reading, problems)
  const filterOptions = reading.filter?.definition.combined() ?? new Map<string, Value>()
  for (const [name, option] of reading.options) if (overridable.has(name)) filterOptions.set(name, option.value)
  const { name, origin } = reading
  const config: JailConfig = {
    name,
    origin,
    filter: filterSpec(reading, filterOptions, values),
    source: sourceSpec(values, filterOptions),
    jail: jailSpec(name, values),
    actions: reading.actions.flatMap((entry) => actionSpec(entry, context) ?? []),
    scope: { port: variable(reading, context, 'port'), protocol: variable(reading, context, 'protocol') },
    backend: values.text('backend') ?? 'auto',
  }
  const otherSource = sourceWithoutFiles(values, filterOptions, config.source)
  if (otherSource) config.sourceWithoutFiles = otherSource
  return problems.slice(before).some((problem) => problem.severity === 'error') ? undefined : config
}

const overridable = new Set([
  'usedns',
  'prefregex',
  'ignoreregex',
  'failregex',
  'maxlines',
  'datepattern',
  'journalmatch',
])

/** A jail's options with their types; everything wrong becomes a Problem. */
class Values {
  readonly #reading: JailReading
  readonly #problems: Problem[]

  constructor(reading: JailReading, problems: Problem[]) {
    this.#reading = reading
    this.#problems = problems
  }

  option(name: string): Option | undefined {
    return this.#reading.options.get(name)
  }

  written(name: string): Traced | undefined {
    return this.option(name)?.written
  }

  /** Undefined when missing or empty. */
  text(name: string): string | undefined {
    const text = textOf(this.option(name))
    return text === '' ? undefined : text
  }

  flag(name: string): boolean | undefined {
    const value = this.option(name)?.value
    return typeof value === 'boolean' ? value : undefined
  }

  count(name: string, byDefault: number, least: number): number {
    const option = this.option(name)
    if (option === undefined) return byDefault
    if (typeof option.value === 'number' && option.value >= least) return option.value
    this.wrong(name, `is not a whole number of at least ${least}`, `write ${name} = ${byDefault}, for example`)
    return byDefault
  }

  durationMs(name: string): number | undefined {
    const text = this.text(name)
    if (text === undefined && this.option(name) === undefined) return undefined
    const ms = parseDurationMs(text ?? '')
    if (ms === undefined) this.wrong(name, 'is not a time', 'write 600, 10m, 1h 30m or 1w; months are "mo"')
    return ms
  }

  wrong(name: string, what: string, hint: string): void {
    const written = this.written(name)
    const message = `${name} ${JSON.stringify(written?.text ?? '')} ${what}`
    const origin = written ? originOf(written) : this.#reading.origin
    this.#problems.push({ severity: 'error', message, hint, origin, jail: this.#reading.name })
  }

  warn(message: string, origin: Origin, hint: string): void {
    this.#problems.push({ severity: 'warning', message, hint, origin, jail: this.#reading.name })
  }

  fail(message: string, origin: Origin, hint: string): void {
    this.#problems.push({ severity: 'error', message, hint, origin, jail: this.#reading.name })
  }
}

function filterSpec(reading: JailReading, options: ReadonlyMap<string, Value>, values: Values): FilterSpec {
  const at = (name: string): Traced | undefined => {
    const value = options.get(name)
    return value === undefined ? undefined : tracedOf(value, reading.origin)
  }
  const lines = (name: string) => linesOf(at(name) ?? { text: '', marks: [] })
  const prefregex = at('prefregex')
  const logtimezone = values.text('logtimezone')
  return {
    name: reading.filter?.name ?? '',
    failregex: lines('failregex'),
    ignoreregex: lines('ignoreregex'),
    ...(prefregex && prefregex.text !== '' && { prefregex: sourced(prefregex) }),
    datepattern: lines('datepattern'),
    maxlines: maxLines(options.get('maxlines'), reading, values),
    usedns: useDns(at('usedns'), values),
    ...(logtimezone !== undefined && { logtimezone }),
  }
}

function maxLines(value: Value, reading: JailReading, values: Values): number {
  if (value === undefined && !reading.options.has('maxlines')) return 1
  if (typeof value === 'number' && value >= 1) return value
  values.wrong('maxlines', 'is not a whole number of at least 1', 'write maxlines = 1, for example')
  return 1
}

function useDns(written: Traced | undefined, values: Values): UseDns {
  const word = written?.text.toLowerCase()
  if (word === undefined || word === '') return 'warn'
  if (word === 'yes' || word === 'warn' || word === 'no' || word === 'raw') return word
  // Fail2ban takes every other word for "no", with an error in its log.
  if (written) values.warn(`usedns "${word}" means "no"`, originOf(written), 'use yes, warn, no or raw')
  return 'no'
}

function sourceSpec(values: Values, filterOptions: ReadonlyMap<string, Value>): SourceSpec {
  const backend = values.text('backend') ?? 'auto'
  if (backend.startsWith('systemd')) return journal(backend, values, filterOptions)
  const paths = linesOf(values.written('logpath') ?? { text: '', marks: [] }).flatMap(
    (line) => logPath(line, values) ?? [],
  )
  if (paths.length === 0) return { kind: 'none' }
  return { kind: 'files', paths, encoding: values.text('logencoding') ?? 'auto', polling: backend === 'polling' }
}

function journal(backend: string, values: Values, filterOptions: ReadonlyMap<string, Value>): SourceSpec {
  const list = parseOptionList(backend)
  if ('wrong' in list) values.wrong('backend', list.wrong, 'write systemd[journalflags=1], for example')
  const matches = filterOptions.get('journalmatch')
  const options = 'wrong' in list ? {} : Object.fromEntries(list.options)
  return {
    kind: 'journal',
    matches: matches ? linesOf(tracedOf(matches, none)).map((line) => line.value) : [],
    options,
  }
}

const none: Origin = { file: '', line: 0 }

function logPath({ value, origin }: Sourced, values: Values): LogPath | undefined {
  const [, path = '', start = 'head'] = /^(.*?)(?:\s+(\S*))?$/s.exec(value.trim()) ?? []
  const word = start.toLowerCase()
  if (word === 'head' || word === 'tail') return { glob: path.trim(), start: word, origin }
  values.fail(
    `logpath "${value}" ends in "${start}", which is neither head nor tail`,
    origin,
    'a path cannot hold blanks',
  )
  return undefined
}

function sourceWithoutFiles(
  values: Values,
  filterOptions: ReadonlyMap<string, Value>,
  source: SourceSpec,
): SourceSpec | undefined {
  const backend = values.text('backend') ?? 'auto'
  // NOTE: only a journalmatch of the jail counts, even an empty one; that of the filter does not (spec 1.12).
  const mayChange = backend.startsWith('auto') && values.flag('systemd_if_nologs') !== false
  if (source.kind === 'journal' || !mayChange || values.option('journalmatch') === undefined) return undefined
  return journal('systemd', values, filterOptions)
}

function jailSpec(name: string, values: Values): JailSpec {
  const banTimeMs = values.durationMs('bantime')
  const ignorecommand = values.text('ignorecommand')
  const ignorecache = values.text('ignorecache')
  const increment = values.flag('bantime.increment') ? incrementOf(values) : undefined
  return {
    name,
    maxretry: values.count('maxretry', 3, 0),
    findTimeMs: values.durationMs('findtime') ?? 600_000,
    banTimeMs: banTimeMs === undefined ? 600_000 : banTimeOf(banTimeMs),
    maxmatches: values.count('maxmatches', 5, 0),
    ignoreip: wordsOf(values.written('ignoreip') ?? { text: '', marks: [] }),
    ignoreself: values.flag('ignoreself') ?? true,
    ...(ignorecommand !== undefined && { ignorecommand }),
    ...(ignorecache !== undefined && { ignorecache }),
    ...(increment && { increment }),
  }
}

/** Whole seconds; exactly -1 is permanent (spec 1.10). */
function banTimeOf(ms: number): number | undefined {
  const wholeMs = Math.trunc(ms / 1000) * 1000
  return wholeMs === -1000 ? undefined : wholeMs
}

function incrementOf(values: Values): BanTimeIncrement {
  const factor = values.text('bantime.factor')
  const formula = values.text('bantime.formula')
  const multipliers = multipliersOf(values)
  const maxTimeMs = values.text('bantime.maxtime') === undefined ? undefined : values.durationMs('bantime.maxtime')
  const rndTimeMs = values.text('bantime.rndtime') === undefined ? undefined : values.durationMs('bantime.rndtime')
  return {
    ...(factor !== undefined && { factor }),
    ...(formula !== undefined && { formula }),
    ...(multipliers && { multipliers }),
    ...(maxTimeMs !== undefined && { maxTimeMs }),
    ...(rndTimeMs !== undefined && { rndTimeMs }),
    overalljails: values.flag('bantime.overalljails') ?? false,
  }
}

/** Fail2ban wants single blanks; more of them are no reason to refuse. */
function multipliersOf(values: Values): number[] | undefined {
  const text = values.text('bantime.multipliers')
  if (text === undefined) return undefined
  const numbers = text.trim().split(/\s+/).map(asInt)
  if (numbers.every((number) => number !== undefined)) return numbers
  values.wrong('bantime.multipliers', 'is not a list of whole numbers', 'write 1 2 4 8 16, for example')
  return undefined
}

function actionSpec(entry: ActionEntry, context: JailContext): ActionSpec | undefined {
  const { file, name, origin } = entry
  if (entry.kind === 'python') return { file, name, origin, properties: [...entry.args] }
  try {
    const properties = propertiesOf(entry.definition).map(([key, value]) => [key, textOf({ value })] as const)
    return { file, name, origin, properties }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    context.fault(error)
    return undefined
  }
}

/** A free variable of the jail. One that cannot be interpolated and that nothing else uses does no harm. */
function variable(reading: JailReading, context: JailContext, name: string): Sourced | undefined {
  try {
    const value = context.ini.get(reading.name, name)
    return value && sourced(value)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return undefined
  }
}

function sourced(value: Traced): Sourced {
  return { value: value.text, origin: originOf(value) }
}
