import { setImmediate } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { ManyLines } from '../bans/many-lines.js'
import type { RestoreRules } from '../bans/restore.js'
import type { JailConfig } from '../config/load.js'
import type { Verdict } from '../jail/recidive.js'
import { messageOf } from '../lib/error-message.js'
import { enactVerdict } from './enact-verdict.js'
import { type JailUnit, namesIn } from './jails.js'
import { manualScope, type State, scopesOf } from './state.js'

/** A jail that begins with more bans counts what it keeps out as a whole, not for each of them: the kernel takes them in half of the time, or less. */
const countedMax = 100_000
/** How long a reload waits for the commands of a jail's actions. */
const commandsMs = 2000

/** Brings jails into the running daemon, changes them there and takes them out. The one place where `State.jails` changes. */
export class JailRuns {
  readonly #state: State

  constructor(state: State) {
    this.#state = state
  }

  /** Bans of these jails are in force when it resolves; their logs are not followed yet. `isStart`: bans by hand without a jail, too. Returns how many were restored. */
  async enforce(units: readonly JailUnit[], { isStart } = { isStart: false }): Promise<number> {
    const { jails, names, bans, enforcer, store, log } = this.#state
    for (const unit of units) jails.set(unit.name, unit)
    // Names of people who must not be banned come before the first ban.
    await names.keep(this.#ignoredNames())
    for (const unit of units) {
      store.bans.addJail(unit.name)
      log.write('INFO', 'jail', `Creating new jail '${unit.name}'`)
      for (const note of unit.notes) log.write('WARNING', 'jail', `[${unit.name}] ${note}`)
    }
    // What a whole fleet bans comes in great numbers, and at any time.
    const isLarge = ({ name, config }: JailUnit) =>
      config.source.kind === 'fleet' || store.bans.count(name) > countedMax
    const large = new Set(units.filter(isLarge).map(({ name }) => name))
    const scopes = scopesOf(jails)
    try {
      await enforcer.arrange(scopes.map((scope) => (large.has(scope.jail) ? { ...scope, isCounted: false } : scope)))
    } catch (error) {
      // Known jails are not begun again.
      for (const { name } of units) jails.delete(name)
      throw error
    }
    for (const unit of units) unit.actions.start()
    const restoring = units.map((unit): [string, RestoreRules] => [unit.name, restoreRulesOf(unit)])
    const restored = await bans.restore(isStart ? [[manualScope.jail, {}], ...restoring] : restoring, { isStart })
    for (const unit of units) await this.#countEarlierBans(unit)
    return restored
  }

  /** Begins to read their logs. Returns the globs that match nothing so far, with their jails. */
  async follow(units: readonly JailUnit[]): Promise<string[]> {
    const { followers, log } = this.#state
    const missing: string[] = []
    for (const unit of units) {
      unit.state = 'running'
      for (const glob of followers.add(unit)) missing.push(`${glob} (${unit.name})`)
      log.write('INFO', 'jail', `Jail '${unit.name}' started`)
    }
    // Who writes a line from now on finds us reading.
    await followers.opened()
    return missing
  }

  /** A jail that has not been told to start: known, but nothing is read. */
  async add(unit: JailUnit): Promise<void> {
    unit.state = 'added'
    await this.enforce([unit])
  }

  /** Stops reading, for a while or until `resume`. */
  async pause(unit: JailUnit, state: 'idle' | 'added' = 'idle'): Promise<void> {
    if (unit.state === 'running') await this.#state.followers.remove(unit)
    unit.state = state
    this.#state.positions.save()
  }

  resume(unit: JailUnit): void {
    if (unit.state === 'running') return
    unit.state = 'running'
    this.#state.followers.add(unit)
  }

  /** The jail goes; its bans are lifted and stay in the database (spec 5.6), unless `forget`. */
  async end(unit: JailUnit, options: { forget: boolean } = { forget: false }): Promise<void> {
    const { jails, bans, enforcer, log, store } = this.#state
    await this.pause(unit)
    const lines = new ManyLines(log)
    for (const { id } of bans.live.of(unit.name)) lines.write(unit.name, 'Repeal Ban', id)
    lines.end('more bans repealed')
    await unit.actions.stop([...bans.live.of(unit.name)])
    jails.delete(unit.name)
    if (options.forget) store.bans.removeAll(unit.name)
    bans.dropJail(unit.name)
    store.bans.disableJail(unit.name)
    await enforcer.arrange(scopesOf(jails))
    log.write('INFO', 'jail', `Jail '${unit.name}' stopped`)
  }

  /** A running jail takes another's configuration; its bans, counters and positions stay (spec 7.6). */
  async become(unit: JailUnit, fresh: JailUnit, how = { isReload: true }): Promise<void> {
    const { followers, names, jails, bans, enforcer, log, positions } = this.#state
    const before = unit.halfChangedFrom ?? unit.config
    const readsOtherwise = !isDeepStrictEqual(readingOf(unit.config), readingOf(fresh.config))
    const mustFollowAnew = readsOtherwise && unit.state === 'running'
    if (mustFollowAnew) await followers.remove(unit)
    positions.save()
    const closesOtherwise = unit.halfChangedFrom !== undefined || !isDeepStrictEqual(unit.scope, fresh.scope)
    takeOver(unit, fresh)
    unit.halfChangedFrom = before
    try {
      await names.keep(this.#ignoredNames())
      if (before.jail.banTimeMs !== fresh.config.jail.banTimeMs)
        bans.retime(unit.name, before.jail.banTimeMs, fresh.config.jail.banTimeMs)
      if (closesOtherwise) {
        await enforcer.arrange(scopesOf(jails))
        await bans.reconcile()
      }
      const replaced = unit.actions.replace(fresh.parts, [...bans.live.of(unit.name)], how)
      await Promise.race([replaced, this.#patience()])
      unit.halfChangedFrom = undefined
    } finally {
      // Whatever went wrong: a jail that runs reads.
      if (mustFollowAnew) followers.add(unit)
    }
    for (const note of fresh.notes) log.write('WARNING', 'jail', `[${unit.name}] ${note}`)
  }

  /** Commands that hang take their time-out each, and many may wait: they go on with what is new when their turn comes. */
  #patience(): Promise<void> {
    return new Promise((resolve) => this.#state.clock.after(commandsMs, resolve))
  }

  /** A jail that counts bans learns from the database what an earlier run has banned. */
  async #countEarlierBans({ name, jail, recidive }: JailUnit): Promise<void> {
    const { bans, store, clock, log } = this.#state
    if (recidive === undefined) return
    const overdue = new Map<string, Verdict>()
    try {
      for (const slice of store.bans.since(clock.now() - jail.spec.findTimeMs)) {
        recidive.replay(slice, jail, overdue)
        await setImmediate()
      }
    } catch (error) {
      // It counts from here on: better than a start that fails.
      const reason = messageOf(error)
      log.write('ERROR', 'jail', `[${name}] Earlier bans do not count: ${reason}`)
    }
    for (const verdict of overdue.values()) enactVerdict(bans, verdict)
  }

  /** Host names that the jails, and our own settings, tell to ignore. */
  #ignoredNames(): string[] {
    const { config, jails } = this.#state
    const words = [...jails.values()].flatMap((unit) => unit.config.jail.ignoreip)
    const { ignoreip, proxies } = config.own.protect
    return namesIn([...ignoreip, ...proxies, ...words].map((word) => word.value))
  }
}

/** Whether the jail runs as this one would, all of it. */
export function isUnchanged(unit: JailUnit, fresh: JailUnit): boolean {
  return (
    unit.state === 'running' &&
    unit.halfChangedFrom === undefined &&
    isDeepStrictEqual(withoutOrigins(unit.config), withoutOrigins(fresh.config))
  )
}

/** What decides how lines are read; where it was written does not matter. */
function readingOf({ filter, source, sourceWithoutFiles, jail }: JailConfig): unknown {
  const { findTimeMs } = jail
  return withoutOrigins({ filter, source, sourceWithoutFiles, findTimeMs })
}

/** Where a value was written does not matter for what it does. */
export function withoutOrigins(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, part) => (key === 'origin' ? undefined : part)) ?? 'null')
}

/** The jail that everybody knows stays the same object, so nobody has to be told. */
function takeOver(unit: JailUnit, fresh: JailUnit): void {
  const { config, filter, ignores, ignored, ignoreCommand, scope, notes, closing, parts } = fresh
  if (!isDeepStrictEqual(unit.config.jail.subnetEscalate, config.jail.subnetEscalate)) {
    if (unit.subnets !== undefined) fresh.subnets?.takeOver(unit.subnets)
    unit.subnets = fresh.subnets
  }
  unit.recidive = fresh.recidive
  const keepsQuarantine = isDeepStrictEqual(withoutOrigins(unit.config.filter), withoutOrigins(config.filter))
  Object.assign(unit, { config, filter, ignores, ignored, ignoreCommand, scope, notes, closing, parts })
  if (!keepsQuarantine) unit.quarantine = fresh.quarantine
  unit.jail = unit.jail.withSpec(config.jail, ignores)
}

/** What a stored ban of the jail may still be (spec 5.6). */
function restoreRulesOf({ config, ignores }: JailUnit): RestoreRules {
  const { banTimeMs, increment, subnetEscalate } = config.jail
  const longestMs = increment === undefined ? banTimeMs : increment.maxTimeMs
  return {
    durationMsMax: longestMs && Math.max(longestMs, subnetEscalate?.banTimeMs ?? 0),
    ...(banTimeMs !== undefined && { unknownDurationMs: banTimeMs }),
    ignored: ignores,
  }
}
