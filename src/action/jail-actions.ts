import type { ActionSpec } from '../domain/action-spec.js'
import type { Ban } from '../domain/ban.js'
import type { ChildResult } from '../lib/child.js'
import type { Clock } from '../lib/clock.js'
import { messageOf } from '../lib/error-message.js'
import { type Log, silentLog } from '../lib/log.js'
import { type ShellCommand, shellCommand } from '../lib/shell-command.js'
import { ActionList } from './action-list.js'
import { callable } from './action-methods.js'
import { Backlog, type BanEvent } from './backlog.js'
import { BanTags, operationTags } from './ban-tags.js'
import type { ActionSurroundings, CommandAction } from './command-action.js'
import { runCommand } from './command-run.js'
import { type OwnHostNames, ownHostNames } from './own-host-names.js'
import { type Family, generalTag } from './properties.js'
import { runAction } from './run-action.js'
import type { Turns } from './turns.js'
import { type ActionWorld, type BriefBan, sourcesOf } from './world.js'

export interface JailActionsOptions {
  jail: string
  /** Command actions only: those that the daemon carries out by itself are not given here. */
  specs: readonly ActionSpec[]
  clock: Clock
  log: Log
  /** One for the whole daemon. */
  turns: Turns
  world: ActionWorld<JailActions>
  /** Reads a Fail2ban time (`1m 30s`) in milliseconds, for `timeout`. */
  durationMs(text: string): number | undefined
  run?(argv: readonly string[], options: { timeoutMs: number; signal: AbortSignal }): Promise<ChildResult>
  hostNames?: OwnHostNames
  waitingMax?: number
  /** Told when the commands of a ban have run, and whether all of them succeeded. */
  onBanned?(ban: BriefBan, isMade: boolean): void
}

/** Events that wait one by one for the actions of a jail; what happens to more, `Backlog` says. */
const waitingMaxUsual = 10_000
/** "Already banned" that wait; more are dropped: as long as somebody knocks there will be others. */
const repeatsMax = 100

/**
 * The shell actions of one jail. Whoever tells of bans never waits: what is told is carried out in its order, one command after the
 * other, the actions in the order of the configuration (spec 6.2). Jails do not wait for each other, except where their commands would
 * get in each other's way.
 */
export class JailActions {
  readonly jail: string
  readonly #options: JailActionsOptions
  readonly #list: ActionList
  readonly #backlog: Backlog
  readonly #abandoned = new AbortController()
  readonly #idle: (() => void)[] = []
  readonly #hostNames: OwnHostNames = { full: '', short: '' }
  #repeats = 0
  #isWorking = false

  constructor(options: JailActionsOptions) {
    const { jail, clock, log, durationMs, specs } = options
    this.jail = jail
    this.#options = options
    this.#backlog = this.#newBacklog(options.waitingMax ?? waitingMaxUsual)
    this.#list = new ActionList({
      jail,
      clock,
      log,
      durationMs,
      hostNames: this.#hostNames,
      tagsOf: (ban, record, remembered) => new BanTags(jail, ban, sourcesOf(options.world, remembered), record),
      surroundings: this.#surroundings(),
    })
    for (const spec of specs) this.#list.add(spec)
  }

  start(): Promise<void> {
    return this.#task(() => this.#list.start())
  }

  banned(ban: Ban, { restored }: { restored: boolean }): void {
    this.#put({ kind: 'ban', ban: { ...brief(ban), isRestored: restored }, record: ban })
  }

  unbanned(ban: BriefBan): void {
    this.#put({ kind: 'unban', ban: brief(ban) })
  }

  prolonged(ban: BriefBan): void {
    this.#put({ kind: 'prolong', ban: brief(ban) })
  }

  /** Somebody who is banned was seen `lateMs` after his ban: is the environment still sane, and is he really banned (spec 5.4, 5.7)? */
  repeated(ban: BriefBan, lateMs: number): void {
    if (this.#repeats >= repeatsMax || !this.#list.watchesRepeats(lateMs)) return
    this.#repeats++
    void this.#task(async () => {
      this.#repeats--
      await this.#list.repeat(brief(ban), lateMs)
    })
  }

  /** Ends all bans; `told` is called as the turn of each comes. */
  unbanAll(live: Iterable<BriefBan>, told?: (ban: BriefBan) => void): Promise<void> {
    const bans = [...live]
    return this.#task(() => this.#list.unbanAll(bans, told))
  }

  /** Ends all bans (unless `flush` is false) and the actions, the last one first. What waits to be banned is not banned any more. */
  stop(
    live: Iterable<BriefBan>,
    { flush = true, told }: { flush?: boolean; told?: (ban: BriefBan) => void } = {},
  ): Promise<void> {
    const never = this.#backlog.dropBans()
    const bans = flush ? [...live].filter((ban) => !never.has(ban.id)) : undefined
    return this.#task(() => this.#list.stop(bans, told))
  }

  /**
   * After a reload: actions of the same name get their new properties and `actionreload`; those that are gone lift their bans and stop;
   * new ones start and make the current bans, as restored ones. NOTE: Fail2ban loses new ones (spec 6.7). After a command that only sets
   * a property `isReload` is false: `actionreload` is not run then.
   */
  replace(specs: readonly ActionSpec[], live: Iterable<BriefBan>, { isReload } = { isReload: true }): Promise<void> {
    const bans = [...live]
    return this.#task(() => this.#list.replace(specs, bans, isReload))
  }

  /** Resolves when nothing waits and nothing runs. */
  settled(): Promise<void> {
    return this.#isWorking ? new Promise((resolve) => this.#idle.push(resolve)) : Promise.resolve()
  }

  /** Ends what runs, and everything that waits fails at once: for an end that must come now. */
  abandon(): void {
    this.#abandoned.abort()
  }

  names(): string[] {
    return this.#list.names()
  }

  /** `set J action A start` and the like (spec 7.3), rejects when it fails; undefined: no such action, or no method for operators. */
  call(name: string, method: string): Promise<void> | undefined {
    const action = this.#list.get(name)
    const run = action && callable(action, method)
    return run && this.#told(run)
  }

  /** What failed last, of each action that has not succeeded since; undefined: nothing. */
  get trouble(): string | undefined {
    return this.#list.troubles.join('; ') || undefined
  }

  /** Events that wait. */
  get waiting(): number {
    return this.#backlog.size
  }

  /** For another jail: our action whose ban an unban by these commands would end. */
  sufferer(id: string, texts: readonly string[]): Promise<CommandAction | undefined> {
    const { world } = this.#options
    const record = world.lastOf(id)
    const ban = record ?? { id, startMs: 0, durationMs: undefined, count: 1 }
    return this.#list.sufferer(texts, ban, record)
  }

  #newBacklog(waitingMax: number): Backlog {
    const say = (level: 'WARNING' | 'NOTICE', text: string) =>
      this.#options.log.write(level, 'actions', `[${this.jail}] ${text}`)
    const advice = 'of what comes now only the last state of each id is kept'
    return new Backlog({
      waitingMax,
      mayForget: (id) => !this.#list.owes(id),
      onFull: () => say('WARNING', `${waitingMax} bans and unbans wait for its actions, ${advice}`),
      onCaughtUp: (skipped) =>
        say('NOTICE', `Its actions have caught up; ${skipped} bans ended before their turn came`),
    })
  }

  #put(event: BanEvent): void {
    if (this.#list.size === 0 && !this.#isWorking) return
    this.#backlog.put(event)
    this.#work()
  }

  async #task(run: () => Promise<void>): Promise<void> {
    const { log } = this.#options
    try {
      await this.#told(run)
    } catch (error) {
      // The jail's other tasks must go on: what failed is told here, and stays undone.
      log.write('ERROR', 'actions', `[${this.jail}] ${messageOf(error)}`)
    }
  }

  /** Runs it in its turn; what it throws goes to the caller. */
  #told(run: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#backlog.put({ kind: 'task', run: () => run().then(resolve, reject) })
      this.#work()
    })
  }

  #work(): void {
    if (this.#isWorking) return
    this.#isWorking = true
    void this.#workOn()
  }

  async #workOn(): Promise<void> {
    if (this.#hostNames.short === '')
      Object.assign(this.#hostNames, this.#options.hostNames ?? (await ownHostNames(this.#options.clock)))
    for (let work = this.#backlog.take(); work !== undefined; work = this.#backlog.take()) {
      if (work.kind === 'task') await work.run()
      else if (work.kind === 'ban') {
        const isMade = await this.#list.ban(work.ban, work.record)
        this.#options.onBanned?.(work.ban, isMade)
      } else if (work.kind === 'unban') await this.#list.unban(work.ban)
      else await this.#list.prolong(work.ban)
    }
    this.#isWorking = false
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  #surroundings(): Omit<ActionSurroundings, 'nextEpoch'> {
    const { jail, log, turns, run = runAction } = this.#options
    const { signal } = this.#abandoned
    const limited = (argv: readonly string[], { timeoutMs }: { timeoutMs: number }) => run(argv, { timeoutMs, signal })
    return {
      jail,
      log,
      fill: (text, tags) => this.#fill(text, tags),
      run: (command, timeoutS, { mayFail } = { mayFail: false }) =>
        turns.child(() => runCommand(command, { run: limited, log: mayFail ? silentLog : log, timeoutS })),
      alone: (keys, task) => turns.alone(keys, task),
      handOver: (action, tags, commands) => this.#handOver(action, tags, commands),
    }
  }

  async #fill(text: string, tags: BanTags | { operation: Family }): Promise<ShellCommand> {
    if (tags instanceof BanTags) await tags.prepare(text)
    const values = tags instanceof BanTags ? tags : this.#operationTags(tags.operation)
    return shellCommand(text, {
      value: (tag) => values.value(tag) ?? generalTag(tag, this.#hostNames),
      field: (name) => values.field(name),
    })
  }

  #operationTags(family: Family) {
    const { jail, clock, world } = this.#options
    return operationTags({ jail, family, nowMs: clock.now(), banTimeMs: world.banTimeMs(), sources: world })
  }

  async #handOver(action: CommandAction, tags: BanTags, commands: readonly ShellCommand[]) {
    const others = () => this.#options.world.othersHolding(tags.id)
    if (others().length === 0) return undefined
    const texts = await action.effectsOf(tags)
    for (const other of others()) {
      const suffering = await other.sufferer(tags.id, texts)
      // Its ban may have ended meanwhile; then its own unban is on its way already and takes nothing more along.
      if (suffering === undefined || !others().includes(other)) continue
      suffering.holdBack.owe(tags.id, commands)
      return other.jail
    }
    return undefined
  }
}

function brief({ id, startMs, durationMs, count, isRestored = false }: BriefBan): BriefBan {
  return { id, startMs, durationMs, count, isRestored }
}
