import { parseDurationMs } from '../config/duration.js'
import type { JailConfig } from '../config/load.js'
import type { Scope } from '../domain/enforcer.js'
import type { Problem } from '../domain/origin.js'
import { parsePorts, parseProtocols } from '../firewall/ports.js'
import { closeOf, takeoverSentences } from '../firewall/takeover.js'
import { IgnoreCommand, parseIgnoreCache } from '../jail/ignore-command.js'
import { IgnoreList, type IgnoreListOptions, parseIgnoreEntry } from '../jail/ignore-list.js'
import { Jail } from '../jail/jail.js'
import { runChild } from '../lib/child.js'
import type { Clock } from '../lib/clock.js'
import type { Log } from '../lib/log.js'
import { type CompiledFilter, compileFilter } from '../match/filter.js'
import { Quarantine } from '../match/quarantine.js'
import { sourceProblems } from './journal-source.js'

/** A jail with everything built that it needs to run. */
export interface JailUnit {
  name: string
  config: JailConfig
  jail: Jail
  filter: CompiledFilter
  ignored: IgnoreList
  ignoreCommand: IgnoreCommand | undefined
  scope: Scope
  /** Patterns that took too long on some line and are not used any more. */
  quarantine: Quarantine
  /** What of its configuration is not carried out, a sentence each. */
  notes: readonly string[]
}

export interface BuildContext {
  clock: Clock
  log: Log
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
  const compiled = compileFilter(config.filter, { nowMs: context.clock.now() })
  const closing = closeOf({
    jail: config.name,
    actions: config.actions,
    native: true,
  })
  const wrongSource = sourceProblems(config.source).map((message) => ({
    severity: 'error' as const,
    message,
    origin: config.origin,
  }))
  const problems = [...('problems' in compiled ? compiled.problems : []), ...closing.problems, ...wrongSource].map(
    (problem) => ({ ...problem, jail: config.name }),
  )
  if ('problems' in compiled || problems.some((problem) => problem.severity === 'error')) return { problems }
  const entries = [...config.jail.ignoreip.map((word) => word.value), ...context.ignoreip].map(parseIgnoreEntry)
  const ignored = new IgnoreList({ entries, resolve: context.resolve, readList: context.readList })
  const ignores = (id: string) => (config.jail.ignoreself && context.isOwn(id) ? 'ignoreself rule' : ignored.covers(id))
  const jail = new Jail(config.jail, ignores)
  const notes = [...takeoverSentences(new Map([[config.name, closing.notes]])), ...unservedOptions(config)]
  return {
    unit: {
      name: config.name,
      config,
      jail,
      filter: compiled.filter,
      ignored,
      ignoreCommand: ignoreCommandOf(config, context),
      // TODO: once actions are run as written (issue 4), a jail without a native action closes nothing in the kernel.
      scope: closing.scope ?? {
        jail: config.name,
        ports: parsePorts(config.scope.port?.value ?? '').ports,
        protocols: parseProtocols(config.scope.protocol?.value ?? 'tcp').protocols,
      },
      quarantine: new Quarantine(),
      notes,
    },
  }
}

/** A command may take a minute, as every command of Fail2ban's. */
const commandTimeoutMs = 60_000

function ignoreCommandOf({ name, jail }: JailConfig, { clock, log }: BuildContext): IgnoreCommand | undefined {
  if (jail.ignorecommand === undefined) return undefined
  const cache = jail.ignorecache === undefined ? undefined : parseIgnoreCache(jail.ignorecache, parseDurationMs)
  const run = (argv: readonly string[]) => runChild(argv, { timeoutMs: commandTimeoutMs })
  return new IgnoreCommand({ jail: name, command: jail.ignorecommand, cache, clock, log, run })
}

/** Names in `ignoreip` that have to be resolved. */
export function namesIn(texts: readonly string[]): string[] {
  return texts.map(parseIgnoreEntry).flatMap((entry) => (entry.kind === 'dns' ? [entry.name] : []))
}

function unservedOptions({ jail, source, sourceWithoutFiles }: JailConfig): string[] {
  const notes: string[] = []
  if (jail.increment !== undefined)
    notes.push('bantime.increment is not carried out yet: every ban has the same length')
  if (source.kind === 'none' && sourceWithoutFiles === undefined)
    notes.push('it has no logpath, so it only takes bans by hand')
  return notes
}
