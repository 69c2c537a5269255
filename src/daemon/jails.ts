import type { JailConfig } from '../config/load.js'
import type { Scope } from '../domain/enforcer.js'
import type { Problem } from '../domain/origin.js'
import { closeOf } from '../firewall/takeover.js'
import { IgnoreList, type IgnoreListOptions, parseIgnoreEntry } from '../jail/ignore-list.js'
import { Jail } from '../jail/jail.js'
import { type CompiledFilter, compileFilter } from '../match/filter.js'

/** A jail with everything built that it needs to run. */
export interface JailUnit {
  name: string
  config: JailConfig
  jail: Jail
  filter: CompiledFilter
  ignored: IgnoreList
  scope: Scope
  /** What of its configuration is not carried out, a sentence each. */
  notes: readonly string[]
}

export interface BuildContext {
  nowMs: number
  /** Never banned by any jail, besides its own `ignoreip`. */
  ignoreip: readonly string[]
  resolve: IgnoreListOptions['resolve']
  readList: IgnoreListOptions['readList']
  isOwn(id: string): boolean
}

/** Builds a jail, or says everything that keeps it from running. Touches nothing outside. */
export function buildJail(
  config: JailConfig,
  context: BuildContext,
): { unit: JailUnit } | { problems: readonly Problem[] } {
  const compiled = compileFilter(config.filter, { nowMs: context.nowMs })
  const closing = closeOf({
    jail: config.name,
    actions: config.actions,
    port: config.scope.port,
    protocol: config.scope.protocol,
  })
  const problems = [...('problems' in compiled ? compiled.problems : []), ...closing.problems].map((problem) => ({
    ...problem,
    jail: config.name,
  }))
  if ('problems' in compiled || problems.some((problem) => problem.severity === 'error')) return { problems }
  const entries = [...config.jail.ignoreip.map((word) => word.value), ...context.ignoreip].map(parseIgnoreEntry)
  const ignored = new IgnoreList({ entries, resolve: context.resolve, readList: context.readList })
  const ignores = (id: string) => (config.jail.ignoreself && context.isOwn(id) ? 'ignoreself rule' : ignored.covers(id))
  const jail = new Jail(config.jail, ignores)
  const notes = [...closing.notes, ...unservedOptions(config)]
  return { unit: { name: config.name, config, jail, filter: compiled.filter, ignored, scope: closing.scope, notes } }
}

/** Names in `ignoreip` that have to be resolved. */
export function namesIn(texts: readonly string[]): string[] {
  return texts.map(parseIgnoreEntry).flatMap((entry) => (entry.kind === 'dns' ? [entry.name] : []))
}

function unservedOptions({ jail, source }: JailConfig): string[] {
  const notes: string[] = []
  if (jail.increment !== undefined)
    notes.push('bantime.increment is not carried out yet: every ban has the same length')
  if (jail.ignorecommand !== undefined)
    notes.push('ignorecommand is not carried out yet: list who is to be ignored in ignoreip')
  if (source.kind === 'journal')
    notes.push('the systemd journal is not read yet: this jail sees nothing; name a logpath and backend = auto')
  if (source.kind === 'none') notes.push('it has no logpath, so it only takes bans by hand')
  return notes
}
