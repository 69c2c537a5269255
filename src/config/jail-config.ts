import type { ActionSpec } from '../domain/action-spec.js'
import type { Origin, Problem, Sourced } from '../domain/origin.js'
import type { JailSpec } from '../jail/jail-spec.js'
import type { FilterSpec } from '../match/filter-spec.js'
import type { SourceSpec } from '../source/source-spec.js'
import { propertiesOf } from './action-file.js'
import { type BanTimeExtra, banTimeExtraOf } from './ban-time-extra.js'
import { ConfigError } from './config-error.js'
import { filterTemplate, ownFilterTemplate } from './filter-file.js'
import { jailSpec, ownCounting } from './jail-counting.js'
import type { ActionEntry, JailContext, JailReading } from './jail-file.js'
import { filterSpec } from './jail-filter.js'
import { sourceSpec, sourceWithoutFiles, warnOfUnknownJails } from './jail-source.js'
import { JailValues } from './jail-values.js'
import type { Value } from './merged-ini.js'
import { ownJailTemplate } from './own-jail-options.js'
import { textOf } from './server-options.js'
import { originOf } from './traced.js'
import { readOptions } from './typed-options.js'

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
  /** The `bantime.*` options as written. */
  banTimeExtra: BanTimeExtra
  /** The `[jail]` header. */
  origin: Origin
}

/** A value that is wrong has its default; `problems` says so, or `context.fault` is told. Throws ConfigError for tags in a circle. */
export function jailConfig(reading: JailReading, context: JailContext, problems: Problem[]): JailConfig {
  const { ini, say, fault } = context
  const own = readOptions(ini, reading.name, ownJailTemplate, { say, fault })
  const values = new JailValues({ ...reading, options: new Map([...reading.options, ...own]) }, problems)
  const filterOptions = reading.filter?.definition.combined() ?? new Map<string, Value>()
  for (const [name, option] of reading.options) if (overridable.has(name)) filterOptions.set(name, option.value)
  const { name, origin } = reading
  const banTimeExtra = banTimeExtraOf(values)
  const config: JailConfig = {
    name,
    origin,
    filter: filterSpec(reading, filterOptions, values),
    source: sourceSpec(values, filterOptions),
    jail: { ...jailSpec(name, values, banTimeExtra), ...ownCounting(values, filterOptions, context.protect) },
    actions: reading.actions.flatMap((entry) => actionSpec(entry, context) ?? []),
    scope: { port: variable(reading, context, 'port'), protocol: variable(reading, context, 'protocol') },
    backend: values.text('backend') ?? 'auto',
    banTimeExtra,
  }
  const otherSource = sourceWithoutFiles(values, filterOptions, config.source)
  if (otherSource) config.sourceWithoutFiles = otherSource
  if (config.source.kind === 'bans') warnOfUnknownJails(values, ini)
  return config
}

const overridable = new Set([...filterTemplate, ...ownFilterTemplate].map(([, name]) => name))

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
    return value && { value: value.text, origin: originOf(value) }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return undefined
  }
}
