import { isDeepStrictEqual } from 'node:util'
import type { ReloadOutcome } from '../api/operations.js'
import type { StreamReading } from '../config/from-stream.js'
import { type Config, loadConfig } from '../config/load.js'
import { withOwnOptions } from '../config/with-own-options.js'
import type { Problem } from '../domain/origin.js'
import { messageOf } from '../lib/error-message.js'
import { buildJails } from './assemble.js'
import { liveOf, ServerOptions } from './control/server-options.js'
import { isUnchanged, type JailRuns, withoutOrigins } from './jail-runs.js'
import type { JailUnit } from './jails.js'
import { notifyProblems } from './notifying.js'
import type { State } from './state.js'

export interface ReloadOptions {
  /** Only this jail; every other stays as it is. */
  only?: string
  /** Jails are ended and begun anew: their bans are lifted for a moment, and what they counted is forgotten. */
  restart?: boolean
  /** Bans of the jails are lifted for good first. */
  unban?: boolean
  /** Instead of the files: what a client has read. */
  from?: StreamReading
}

/**
 * Applies a configuration to the running daemon so that it is as after a fresh start with it, but for bans, counters and positions,
 * which stay. Everything new is built before anything old is touched; a wrong file changes nothing. Jails that have not changed are
 * not touched at all.
 */
export class Reloader {
  readonly #state: State
  readonly #runs: JailRuns
  #last: Promise<unknown> = Promise.resolve()

  constructor(state: State, runs: JailRuns) {
    this.#state = state
    this.#runs = runs
  }

  /** One after another. What is wrong is in the outcome; rejects, and the log says so, when something failed half-way that should not. */
  reload(options: ReloadOptions = {}): Promise<ReloadOutcome> {
    const outcome = this.#last.then(() => this.#reload(options))
    // Whoever asked for it is told; the next one is a new attempt.
    this.#last = outcome.catch((error) =>
      this.#state.log.write('ERROR', 'server', `Reload broke off: ${messageOf(error)}`),
    )
    return outcome
  }

  async #reload(options: ReloadOptions): Promise<ReloadOutcome> {
    const state = this.#state
    const { only } = options
    state.log.write('INFO', 'server', only === undefined ? 'Reload all jails' : `Reload jail ${only}`)
    const wanted = this.#wanted(options)
    if (wanted.config === undefined) return this.#refused(wanted.problems)
    const all = wanted.config
    const config = only === undefined ? all : { ...all, jails: all.jails.filter(({ name }) => name === only) }
    const atStart = startOnly(state.config)
    const built = buildJails(config, state)
    const problems = [...wanted.problems, ...notifyProblems(all.own), ...built.problems].filter(
      ({ jail }) => only === undefined || jail === undefined || jail === only,
    )
    if (problems.some(({ severity }) => severity === 'error')) return this.#refused(problems)
    const before = state.config.server
    try {
      new ServerOptions(state).take(all.server)
    } catch (error) {
      return this.#refused([...problems, { severity: 'error', message: messageOf(error) }])
    }
    const changes = await this.#apply(built.units, options, !isDeepStrictEqual(ownOf(state.config), ownOf(all)))
    if (!isDeepStrictEqual(startOnlyOf(before), startOnlyOf(all.server)))
      changes.push("fail2ban.conf has changed: 'tocsin restart' applies it")
    if (!isDeepStrictEqual(atStart, startOnly(all)))
      changes.push("[enforcement] hook, interfaces, by or simulate has changed: 'tocsin restart' applies it")
    if (!isDeepStrictEqual(fleetWayOf(state.config), fleetWayOf(all)))
      changes.push("[fleet] has changed in where the others are: 'tocsin restart' applies it")
    if (!isDeepStrictEqual(withoutOrigins(state.config.own.api), withoutOrigins(all.own.api)))
      changes.push("[api] has changed: 'tocsin restart' applies it")
    if (!isDeepStrictEqual(withoutOrigins(state.config.own.notify), withoutOrigins(all.own.notify)))
      state.notifying.use(all.own)
    state.fleet?.use(all.own.fleet)
    state.config = all
    state.auditing.replan()
    state.log.write('INFO', 'server', 'Reload finished.')
    return { ok: true, changes, problems }
  }

  #wanted({ from }: ReloadOptions): { config: Config | undefined; problems: readonly Problem[] } {
    const { config, overrides } = this.#state
    if (from === undefined) return loadConfig({ dir: config.dir, overrides })
    const problems = from.errors.map((message): Problem => ({ severity: 'error', message }))
    const inFiles = new Map(loadConfig({ dir: config.dir }).config?.jails.map((jail) => [jail.name, jail]))
    const jails = from.jails
      .filter(({ name }) => from.started.has(name))
      .map((jail) => withOwnOptions(jail, inFiles.get(jail.name) ?? jail))
    return { config: { ...config, jails }, problems }
  }

  #refused(problems: readonly Problem[]): ReloadOutcome {
    this.#state.log.write('ERROR', 'server', 'Reload refused, nothing has changed: the configuration is wrong')
    for (const { message, origin } of problems)
      this.#state.log.write('ERROR', 'server', `${origin ? `${origin.file}:${origin.line}: ` : ''}${message}`)
    return { ok: false, problems: [...problems] }
  }

  async #apply(units: readonly JailUnit[], options: ReloadOptions, hasNewOwn: boolean): Promise<string[]> {
    const { jails, log } = this.#state
    const changes: string[] = []
    const names = new Set(units.map(({ name }) => name))
    const gone = options.only === undefined ? [...jails.values()].filter(({ name }) => !names.has(name)) : []
    for (const unit of gone) {
      await this.#runs.end(unit)
      changes.push(`Jail ${unit.name} removed`)
    }
    if (options.unban) await this.#unban(names)
    const beginning: JailUnit[] = []
    for (const fresh of units) {
      const known = jails.get(fresh.name)
      if (known !== undefined && !options.restart) {
        if (hasNewOwn || !isUnchanged(known, fresh)) {
          await this.#change(known, fresh)
          changes.push(`Jail ${fresh.name} changed`)
        }
        log.write('INFO', 'server', `Jail '${fresh.name}' reloaded`)
        continue
      }
      if (known !== undefined) await this.#runs.end(known)
      beginning.push(fresh)
      changes.push(`Jail ${fresh.name} ${known === undefined ? 'added' : 'restarted'}`)
    }
    if (beginning.length > 0) {
      await this.#runs.enforce(beginning)
      await this.#runs.follow(beginning)
    }
    return changes
  }

  async #change(known: JailUnit, fresh: JailUnit): Promise<void> {
    await this.#runs.become(known, fresh)
    if (known.state === 'added') await this.#runs.follow([known])
    else this.#runs.resume(known)
  }

  async #unban(names: ReadonlySet<string>): Promise<void> {
    const { bans } = this.#state
    bans.liftAll([...names])
    await bans.settled()
  }
}

function ownOf(config: Config): unknown {
  return withoutOrigins(config.own)
}

/** By what, and where in the kernel, bans are made real is chosen at the start. */
function startOnly({ own }: Config): unknown {
  const { by, hook, interfaces, simulate } = own.enforcement
  return { by, hook, interfaces, simulate }
}

/** To whom, and by what way, this machine talks of its bans is chosen at the start. */
function fleetWayOf({ own }: Config): unknown {
  const { transport, url, name, path, server, listen, enrol } = own.fleet
  return { transport, url, name, path, server, listen, enrol }
}

/** What of `fail2ban.conf` takes effect only at a start. */
function startOnlyOf(server: Config['server']): unknown {
  const live: readonly string[] = Object.keys(liveOf(server))
  return Object.entries(server).filter(([name]) => !live.includes(name))
}
