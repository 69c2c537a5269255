import type { ReloadOutcome } from '../api/operations.js'
import { ManyLines } from '../bans/many-lines.js'
import type { SettingsOverrides } from '../config/server-options.js'
import type { Problem } from '../domain/origin.js'
import { messageOf } from '../lib/error-message.js'
import { fail2banLevel, version } from '../lib/version.js'
import { buildJails } from './assemble.js'
import { CannotStart } from './cannot-start.js'
import { Control } from './control/control.js'
import { Doors } from './doors.js'
import { joinFleet } from './fleet/join-fleet.js'
import { greeting } from './greeting.js'
import { hasAny } from './jail-actions.js'
import { JailRuns } from './jail-runs.js'
import type { JailUnit } from './jails.js'
import { DaemonOperations } from './operations.js'
import { logFileOf } from './paths.js'
import { removePidFile, writePidFile } from './pid-file.js'
import { Reloader, type ReloadOptions } from './reload.js'
import { isBeingRestarted } from './service-manager.js'
import { manualScope, type State } from './state.js'

export interface DaemonOptions {
  dir: string
  /** From the command line; they win over `fail2ban.conf`. */
  overrides?: SettingsOverrides
  simulate: boolean
  /** Copies the log to the terminal. */
  verbose: boolean
  /** Told, a sentence at a time, what an operator at the terminal wants to know at the start. */
  say(sentence: string): void
}

const purgeEveryMs = 3_600_000

export interface StopOptions {
  keep: boolean
  /** Whether this process is to begin anew by itself; missing: where bans are kept. */
  again?: boolean
}

/** A running daemon. It begins (restore, enforce, follow), reloads, and stops; each once at a time. */
export class Daemon {
  /** Resolves when it has come to its end. */
  readonly stopped: Promise<{ again: boolean }>
  readonly #state: State
  readonly #options: DaemonOptions
  readonly #runs: JailRuns
  readonly #reloader: Reloader
  readonly #jailsEnded: Promise<void>
  readonly #doors: Doors
  #resolveStopped: (result: { again: boolean }) => void = () => {}
  #resolveJailsEnded: () => void = () => {}
  #resolveReady: () => void = () => {}
  #isStopping = false
  #cancelPurge: (() => void) | undefined

  constructor(state: State, options: DaemonOptions) {
    this.#state = state
    this.#options = options
    this.#runs = new JailRuns(state)
    this.#reloader = new Reloader(state, this.#runs)
    this.stopped = new Promise((resolve) => {
      this.#resolveStopped = resolve
    })
    this.#jailsEnded = new Promise((resolve) => {
      this.#resolveJailsEnded = resolve
    })
    const ready = new Promise<void>((resolve) => {
      this.#resolveReady = resolve
    })
    this.#doors = new Doors({ state, operations: new DaemonOperations(state, this), control: this.#control(), ready })
  }

  /** Whoever asks meanwhile waits until bans are in force: a restart is over when the first answer comes. */
  async begin(problems: readonly Problem[]): Promise<void> {
    const { log, config, paths } = this.#state
    await this.#doors.claim()
    log.write('INFO', 'server', '-'.repeat(50))
    log.write('INFO', 'server', `Starting Fail2ban v${fail2banLevel} (tocsin v${version})`)
    writePidFile(paths.pidFile, log)
    // Whatever may be taken by somebody else comes before the first ban, so that a start that fails has banned nobody.
    await this.#doors.open()
    const built = buildJails(config, this.#state)
    this.#refuseEmpty([...problems, ...built.problems], built.units)
    await this.#restore(built.units)
    this.#resolveReady()
    const talk = joinFleet(this.#state, (sentence) => this.#options.say(sentence))
    await this.#follow(built.units)
    this.#state.auditing.start()
    await talk()
    this.#purge()
  }

  async reload(options: ReloadOptions = {}): Promise<ReloadOutcome> {
    return this.#isStopping
      ? { ok: false, problems: [{ severity: 'error', message: 'The daemon is stopping' }] }
      : this.#reloader.reload(options)
  }

  /** For log rotation: what follows goes to a new file. */
  flushLog(): 'rolled over' | 'flushed' {
    const { log, config, paths } = this.#state
    log.reopen()
    const isFile = logFileOf({ ...paths, logTarget: config.server.logtarget }) !== undefined
    log.write('INFO', 'server', `${isFile ? 'rollover' : 'flush'} performed on ${config.server.logtarget}`)
    return isFile ? 'rolled over' : 'flushed'
  }

  /**
   * An orderly end. `keep`: the kernel goes on without us; else every ban is lifted until the next start, unless that comes at once.
   * Resolves when nothing runs any more; whoever has asked for it over a socket is answered meanwhile.
   */
  async stop({ keep, again = keep }: StopOptions): Promise<void> {
    if (this.#isStopping) return
    this.#isStopping = true
    this.#doors.announceEnd()
    await this.#endJails({ keep: keep || (await isBeingRestarted()) })
    const { enforcer, cutting, log } = this.#state
    this.#resolveJailsEnded()
    await this.#doors.close()
    cutting.release()
    enforcer.release()
    log.write('INFO', 'server', 'Exiting Fail2ban')
    this.#letGo()
    this.#resolveStopped({ again })
  }

  async #endJails(options: { keep: boolean }): Promise<void> {
    const { log, followers, positions, logins, bans, jails, notifying } = this.#state
    log.write('INFO', 'server', 'Shutdown in progress...')
    if (options.keep) log.write('INFO', 'server', 'Bans stay in force until the next start')
    await this.#state.auditing.close()
    await this.#state.fleet?.close()
    await followers.close({ drain: options.keep })
    positions.save()
    logins.save()
    await bans.flush()
    if (!options.keep) await this.#liftAll()
    // What commands have done has to be undone by commands, also before a restart.
    await Promise.all(
      [...jails.values()].map((unit) => unit.actions.stop(hasAny(unit.parts) ? [...bans.live.of(unit.name)] : [])),
    )
    await notifying.close()
    for (const jail of jails.keys()) log.write('INFO', 'jail', `Jail '${jail}' stopped`)
  }

  /** After a start that failed: leaves no socket, no pid file, and no table that was not there before. */
  async abandon(): Promise<void> {
    await this.#state.auditing.close()
    await this.#state.followers.close({ drain: false })
    await this.#doors.close()
    this.#state.cutting.release()
    this.#state.enforcer.release()
    this.#letGo()
  }

  /** What Fail2ban's clients may ask for. */
  #control(): Control {
    return new Control({
      state: this.#state,
      runs: this.#runs,
      reloader: this.#reloader,
      flushLog: () => this.flushLog(),
      stop: () => {
        void this.stop({ keep: false })
        return this.#jailsEnded
      },
    })
  }

  /** As Fail2ban: wrong jails are left out as long as one is right, or none is wrong. */
  #refuseEmpty(problems: readonly Problem[], units: readonly JailUnit[]): void {
    const errors = problems.filter((problem) => problem.severity === 'error')
    for (const { jail, message, origin } of errors) {
      const place = origin ? ` (${origin.file}:${origin.line})` : ''
      this.#state.log.write(
        'ERROR',
        'server',
        `Jail '${jail}' skipped, because of wrong configuration: ${message}${place}`,
      )
    }
    if (units.length === 0 && errors.length > 0)
      throw new CannotStart('Nothing is started: no enabled jail is right', problems)
    for (const problem of errors)
      this.#options.say(
        `Jail ${problem.jail} is left out: ${problem.message}${problem.origin ? ` (${problem.origin.file}:${problem.origin.line})` : ''}`,
      )
  }

  async #restore(units: readonly JailUnit[]): Promise<void> {
    const { store } = this.#state
    store.bans.disableAllJails()
    store.bans.addJail(manualScope.jail)
    const restored = await this.#runs.enforce(units, { isStart: true })
    for (const sentence of greeting(this.#state, restored)) this.#options.say(sentence)
  }

  async #follow(units: readonly JailUnit[]): Promise<void> {
    const missing = await this.#runs.follow(units)
    if (missing.length > 0) this.#options.say(`Waiting for logs that are not there yet: ${missing.join(', ')}`)
    this.#options.say(`Ready; 'tocsin status' shows more, Ctrl-C or 'tocsin stop' ends it`)
  }

  async #liftAll(): Promise<void> {
    const { log, bans, enforcer } = this.#state
    log.write('INFO', 'server', 'Stopping all jails')
    const lines = new ManyLines(log)
    for (const { jail, id } of bans.live.all()) lines.write(jail, 'Repeal Ban', id)
    lines.end('more bans repealed')
    try {
      await enforcer.clear()
    } catch (error) {
      log.write('ERROR', 'actions', `Cannot lift the bans from the kernel, they end by themselves: ${messageOf(error)}`)
    }
  }

  /** Old bans leave the database once an hour. */
  #purge(): void {
    const { clock, store, config, log } = this.#state
    try {
      store.bans.purge(clock.now(), config.server.dbpurgeageMs)
    } catch (error) {
      log.write('ERROR', 'database', `Cannot purge old bans: ${messageOf(error)}`)
    }
    this.#cancelPurge = clock.after(purgeEveryMs, () => this.#purge())
  }

  #letGo(): void {
    this.#cancelPurge?.()
    this.#state.guards.close()
    this.#state.heldBack.close()
    this.#state.confirmations.close()
    this.#state.names.close()
    this.#state.bans.close()
    this.#state.store.close()
    removePidFile(this.#state.paths.pidFile)
    this.#state.log.close()
  }
}
