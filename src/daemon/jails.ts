import { parseDurationMs } from '../config/duration.js'
import type { JailConfig } from '../config/load.js'
import type { LogRate, Scope } from '../domain/enforcer.js'
import type { Problem } from '../domain/origin.js'
import { type ClosingNote, closeOf } from '../firewall/takeover.js'
import { type BanHistory, incrementProblems } from '../jail/ban-time.js'
import { IgnoreCommand, parseIgnoreCache } from '../jail/ignore-command.js'
import { IgnoreList, type IgnoreListOptions, parseIgnoreEntry } from '../jail/ignore-list.js'
import { type IgnoreRule, Jail } from '../jail/jail.js'
import { Recidive } from '../jail/recidive.js'
import { Subnets } from '../jail/subnets.js'
import { runChild } from '../lib/child.js'
import type { Clock } from '../lib/clock.js'
import type { Log } from '../lib/log.js'
import { type CompiledFilter, compileFilter } from '../match/filter.js'
import { Quarantine } from '../match/quarantine.js'
import { partNotices } from '../notify/jail-notices.js'
import { type ActionParts, noActions, type RunningActions } from './jail-actions.js'
import { sourceProblems } from './journal-source.js'

/** A jail with everything built that it needs to run. The daemon changes it in place, so that whoever knows it need not be told. */
export interface JailUnit {
  name: string
  /** `added`: made by a command and not started; `idle`: told to stop reading for a while. */
  state: 'added' | 'running' | 'idle'
  config: JailConfig
  /** Since a change of it failed half-way: what was in force before. The next one has all to do again. */
  halfChangedFrom?: JailConfig | undefined
  jail: Jail
  filter: CompiledFilter
  ignores: IgnoreRule
  ignored: IgnoreList
  ignoreCommand: IgnoreCommand | undefined
  /** What it closes in the kernel; undefined: nothing, all is done by its actions. */
  scope: Scope | undefined
  parts: ActionParts
  actions: RunningActions
  /** Of a jail that counts this machine's bans instead of lines. */
  recidive: Recidive | undefined
  /** Watches over the networks of those whom it bans. */
  subnets: Subnets | undefined
  /** Patterns that took too long on some line and are not used any more. */
  quarantine: Quarantine
  /** Where what the kernel does is not to the letter what the actions say. */
  closing: readonly ClosingNote[]
  /** What of its configuration is not carried out, a sentence each. */
  notes: readonly string[]
}

export interface BuildContext {
  clock: Clock
  log: Log
  /** Whether stock packet filter actions are carried out in the kernel. */
  isNative: boolean
  /** How many of the packets that the kernel keeps out are logged; missing: none, unless the jail's action says so. */
  dropLog?: LogRate | undefined
  /** Never banned by any jail, besides its own `ignoreip`. */
  ignoreip: readonly string[]
  resolve: IgnoreListOptions['resolve']
  readList: IgnoreListOptions['readList']
  isOwn(id: string): boolean
  /** Missing: the jail is only looked at. */
  actionsOf?(jail: string, parts: ActionParts): RunningActions
  /** For `bantime.increment`. */
  history?: BanHistory
}

/** Builds a jail, or says everything that keeps it from running. Touches nothing outside. */
export function buildJail(
  config: JailConfig,
  context: BuildContext,
): { unit: JailUnit } | { problems: readonly Problem[] } {
  const compiled = compileFilter(config.filter, { nowMs: context.clock.now() })
  const closing = closeOf({ jail: config.name, actions: config.actions, native: context.isNative })
  const wrongSource = sourceProblems(config.source)
  const { notices, others, problems: wrongActions } = partNotices(config.name, closing.others)
  const wrongFilter = 'problems' in compiled ? compiled.problems : []
  const { increment } = config.jail
  const wrongTimes = increment ? incrementProblems(increment) : []
  const error = (message: string): Problem => ({ severity: 'error', message, origin: config.origin })
  const problems = [
    ...wrongFilter,
    ...wrongTimes.map(error),
    ...closing.problems,
    ...wrongActions,
    ...wrongSource.map(error),
  ].map((problem) => ({ ...problem, jail: config.name }))
  if ('problems' in compiled || problems.some((problem) => problem.severity === 'error')) return { problems }
  const entries = [...config.jail.ignoreip.map((word) => word.value), ...context.ignoreip].map(parseIgnoreEntry)
  const ignored = new IgnoreList({ entries, resolve: context.resolve, readList: context.readList })
  const ignores: IgnoreRule = (id) =>
    config.jail.ignoreself && context.isOwn(id) ? 'ignoreself rule' : ignored.covers(id)
  const { subnetEscalate: rule } = config.jail
  const parts = { shell: others, notices }
  const { history } = context
  return {
    unit: {
      name: config.name,
      state: 'added',
      config,
      jail: new Jail(config.jail, ignores, history && { history }),
      filter: compiled.filter,
      ignores,
      ignored,
      ignoreCommand: ignoreCommandOf(config, context),
      scope: closing.scope && { ...closing.scope, ...(context.dropLog && { log: context.dropLog }) },
      parts,
      actions: context.actionsOf?.(config.name, parts) ?? noActions,
      recidive: config.source.kind === 'bans' ? new Recidive({ jail: config.name, ...config.source }) : undefined,
      subnets: rule && new Subnets({ jail: config.name, rule }),
      quarantine: new Quarantine(),
      closing: closing.notes,
      notes: unservedOptions(config),
    },
  }
}

/** A command may take a minute, as every command of Fail2ban's. */
const commandTimeoutMs = 60_000

function ignoreCommandOf({ name, jail }: JailConfig, { clock, log }: BuildContext): IgnoreCommand | undefined {
  if (!jail.ignorecommand) return undefined
  const cache = jail.ignorecache === undefined ? undefined : parseIgnoreCache(jail.ignorecache, parseDurationMs)
  const run = (argv: readonly string[]) => runChild(argv, { timeoutMs: commandTimeoutMs })
  return new IgnoreCommand({ jail: name, command: jail.ignorecommand, cache, clock, log, run })
}

/** Names in `ignoreip` that have to be resolved. */
export function namesIn(texts: readonly string[]): string[] {
  return texts.map(parseIgnoreEntry).flatMap((entry) => (entry.kind === 'dns' ? [entry.name] : []))
}

function unservedOptions({ actions, source, sourceWithoutFiles }: JailConfig): string[] {
  const notes: string[] = []
  if (actions.length === 0) notes.push('it has no action, so its bans close nothing')
  if (source.kind === 'none' && sourceWithoutFiles === undefined)
    notes.push('it has no logpath, so it only takes bans by hand')
  return notes
}
