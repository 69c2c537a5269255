import { isDeepStrictEqual } from 'node:util'
import type { ReloadOutcome } from '../api/operations.js'
import { loadConfig } from '../config/load.js'
import type { Problem } from '../domain/origin.js'
import { buildJails } from './assemble.js'
import { type JailUnit, namesIn } from './jails.js'
import { type State, scopesOf } from './state.js'

/**
 * Applies the configuration as it is now in the files. Everything new is built before anything old is touched; a wrong file changes
 * nothing. Jails whose configuration is equal are not touched at all.
 */
export class Reloader {
  readonly #state: State
  #running: Promise<ReloadOutcome> | undefined

  constructor(state: State) {
    this.#state = state
  }

  /** One at a time: who asks meanwhile gets the outcome of the one that runs. */
  reload(): Promise<ReloadOutcome> {
    this.#running ??= this.#reload().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** Host names that these jails, and our own settings, tell to ignore. */
  namesOf(units: readonly JailUnit[]): string[] {
    const own = this.#state.config.own.protect.ignoreip
    return namesIn([...own, ...units.flatMap((unit) => unit.config.jail.ignoreip)].map((word) => word.value))
  }

  async #reload(): Promise<ReloadOutcome> {
    const state = this.#state
    state.log.write('INFO', 'server', 'Reload all jails')
    const loaded = loadConfig({ dir: state.config.dir })
    if (loaded.config === undefined) return this.#refused(loaded.problems)
    const built = buildJails(loaded.config, state)
    const problems = [...loaded.problems, ...built.problems]
    if (problems.some((problem) => problem.severity === 'error')) return this.#refused(problems)
    const hasNewOwn = !isDeepStrictEqual(withoutOrigins(state.config.own), withoutOrigins(loaded.config.own))
    const isSame = (unit: JailUnit) =>
      !hasNewOwn && isDeepStrictEqual(withoutOrigins(state.jails.get(unit.name)?.config), withoutOrigins(unit.config))
    const kept = new Set(built.units.filter(isSame).map((unit) => unit.name))
    const changes = await this.#swap(
      built.units.filter((unit) => !kept.has(unit.name)),
      new Set(built.units.map((unit) => unit.name)),
    )
    if (!isDeepStrictEqual(state.config.server, loaded.config.server))
      changes.push("fail2ban.conf has changed: 'tocsin restart' applies it")
    state.config = loaded.config
    state.log.write('INFO', 'server', 'Reload finished.')
    return { ok: true, changes, problems }
  }

  #refused(problems: readonly Problem[]): ReloadOutcome {
    this.#state.log.write('ERROR', 'server', 'Reload refused, nothing has changed: the configuration is wrong')
    for (const { message, origin } of problems)
      this.#state.log.write('ERROR', 'server', `${origin ? `${origin.file}:${origin.line}: ` : ''}${message}`)
    return { ok: false, problems: [...problems] }
  }

  /** New and changed jails come, those that are gone go; bans of a changed jail stay in force. */
  async #swap(units: readonly JailUnit[], wanted: ReadonlySet<string>): Promise<string[]> {
    const { jails, followers, bans, enforcer, store, names, log, positions } = this.#state
    await names.keep(this.namesOf(units))
    const changes: string[] = []
    for (const old of [...jails.values()]) {
      const replacement = units.find((unit) => unit.name === old.name)
      if (replacement === undefined && wanted.has(old.name)) continue
      await followers.remove(old)
      if (replacement !== undefined) continue
      jails.delete(old.name)
      bans.dropJail(old.name)
      changes.push(`Jail ${old.name} removed`)
      log.write('INFO', 'jail', `Jail '${old.name}' stopped`)
    }
    positions.save()
    for (const unit of units) {
      changes.push(`Jail ${unit.name} ${jails.has(unit.name) ? 'changed' : 'added'}`)
      jails.set(unit.name, unit)
      store.bans.addJail(unit.name)
    }
    if (changes.length === 0) return changes
    await enforcer.arrange(scopesOf(jails))
    for (const unit of units) bans.restore(unit.name)
    await bans.reconcile()
    for (const unit of units) {
      followers.add(unit)
      log.write('INFO', 'jail', `Jail '${unit.name}' reloaded`)
      for (const note of unit.notes) log.write('WARNING', 'jail', `[${unit.name}] ${note}`)
    }
    return changes
  }
}

/** Where a value was written does not matter for what it does. */
function withoutOrigins(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, part) => (key === 'origin' ? undefined : part)) ?? 'null')
}
