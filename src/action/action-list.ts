import type { ActionSpec } from '../domain/action-spec.js'
import type { Ban } from '../domain/ban.js'
import type { Clock } from '../lib/clock.js'
import { messageOf } from '../lib/error-message.js'
import type { Log, LogLevel } from '../lib/log.js'
import type { BanTags } from './ban-tags.js'
import { type ActionSurroundings, CommandAction } from './command-action.js'
import type { OwnHostNames } from './own-host-names.js'
import { isYes, Properties } from './properties.js'
import { type BanRecord, Remembered } from './remembered.js'
import type { BriefBan } from './world.js'

export interface ActionListOptions {
  jail: string
  clock: Clock
  log: Log
  hostNames: OwnHostNames
  durationMs(text: string): number | undefined
  tagsOf(ban: BriefBan, record: BanRecord | undefined, remembered: BanRecord | undefined): BanTags
  surroundings: Omit<ActionSurroundings, 'nextEpoch'>
}

/** Between two checks of the environment, and how long after a ban a failure is suspicious (spec 5.4). */
const checkEveryMs = 3000

/** The actions of a jail in the order of the configuration, and what is done with all of them in turn. An action that fails stops no other. */
export class ActionList {
  readonly #options: ActionListOptions
  readonly #actions = new Map<string, CommandAction>()
  /** Epochs of bans made since the first repair; others are of epoch 0. */
  readonly #epochs = new Map<string, number>()
  readonly #remembered = new Remembered()
  readonly #troubles = new Map<string, string>()
  #epoch = 0
  #checkedMs = 0

  constructor(options: ActionListOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#actions.size
  }

  names(): string[] {
    return [...this.#actions.keys()]
  }

  get(name: string): CommandAction | undefined {
    return this.#actions.get(name)
  }

  add({ name, properties }: Pick<ActionSpec, 'name' | 'properties'>): void {
    this.#actions.set(name, this.#create(name, properties))
  }

  get troubles(): string[] {
    return [...this.#troubles.values()]
  }

  /** Whether "already banned" could lead to anything. */
  watchesRepeats(lateMs: number): boolean {
    const isSuspicious = lateMs > checkEveryMs || this.#epoch > 0
    return isSuspicious && [...this.#actions.values()].some((action) => action.properties.has('actioncheck'))
  }

  async start(actions: Iterable<CommandAction> = this.#actions.values()): Promise<void> {
    for (const action of actions) {
      await action.start().catch((error: unknown) => {
        this.#troubles.set(action.name, `action "${action.name}" could not be started`)
        this.#say('ERROR', `Failed to start jail '${this.#jail}' action '${action.name}': ${messageOf(error)}`)
      })
    }
  }

  /** Whether every action has carried it out. */
  async ban(ban: BriefBan, record?: Ban, actions: Iterable<CommandAction> = this.#actions.values()): Promise<boolean> {
    const tags = this.#tags(ban, record)
    const wanted = new Set([...this.#actions.values()].flatMap((action) => [...action.laterFields]))
    this.#remembered.keep(ban.id, tags.record, wanted)
    let isMade = true
    for (const action of actions) {
      if (isSkipped(action, ban)) continue
      if (!(await this.#try('ban', action, tags, () => action.ban(tags)))) isMade = false
    }
    if (this.#epoch > 0) this.#epochs.set(ban.id, this.#epoch)
    return isMade
  }

  async prolong(ban: BriefBan): Promise<void> {
    const tags = this.#tags(ban)
    for (const action of this.#actions.values()) {
      if (!action.isProlongable || isSkipped(action, ban)) continue
      await this.#try('ban', action, tags, () => action.prolong(tags))
    }
  }

  async unban(ban: BriefBan): Promise<void> {
    this.#epochs.delete(ban.id)
    await this.#unban(this.#actions.values(), ban)
    this.#remembered.forget(ban.id)
    for (const action of this.#actions.values()) action.holdBack.forgetReleased()
  }

  /** Somebody who is banned was seen again: checks the environment now and then, and bans again what a repair may have lost (spec 5.7). */
  async repeat(ban: BriefBan, lateMs: number): Promise<void> {
    const nowMs = this.#options.clock.now()
    const epoch = this.#epochs.get(ban.id) ?? 0
    if (epoch === this.#epoch && lateMs > checkEveryMs && nowMs > this.#checkedMs + checkEveryMs) {
      this.#checkedMs = nowMs
      for (const action of this.#actions.values())
        await action.checkConsistency().catch((error: unknown) => this.#say('ERROR', messageOf(error)))
    }
    if (epoch === this.#epoch) return
    const tags = this.#tags(ban)
    const actions = [...this.#actions.values()].filter((action) => action.epoch > epoch)
    const only = actions.length === 1 ? `, action '${actions[0]?.name}'` : ''
    this.#say('NOTICE', `[${this.#jail}] Reban ${ban.id}${only}`)
    for (const action of actions) if (!(await this.#try('reban', action, tags, () => action.reban(tags)))) return
    this.#epochs.set(ban.id, this.#epoch)
  }

  /** Ends all bans: with one command where an action has one for it, otherwise one by one (spec 6.6). */
  async unbanAll(bans: readonly BriefBan[], told?: (ban: BriefBan) => void): Promise<void> {
    await this.#lift(this.#actions, bans, { isStop: false, told })
    this.#epochs.clear()
    for (const { id } of bans) this.#remembered.forget(id)
    for (const action of this.#actions.values()) action.holdBack.forgetReleased()
  }

  /** Ends all bans and then the actions, the last one first. `bans` undefined: those stay. */
  async stop(bans: readonly BriefBan[] | undefined, told?: (ban: BriefBan) => void): Promise<void> {
    if (bans !== undefined) await this.#lift(this.#actions, bans, { isStop: true, told })
    await this.#end(this.#actions)
  }

  /** New properties first, then `actionreload`, then what is gone, then what is new: so what is gone cannot undo what is new. */
  async replace(specs: readonly ActionSpec[], bans: readonly BriefBan[], isReload: boolean): Promise<void> {
    const wanted = new Map(specs.map((spec) => [spec.name, spec]))
    const kept = [...this.#actions.values()].filter((action) => wanted.has(action.name))
    for (const action of kept) action.properties.replace(valuesOf(wanted.get(action.name)?.properties ?? []))
    for (const action of isReload ? kept : [])
      await action.reload().catch((error: unknown) => {
        this.#say('ERROR', `Failed to reload jail '${this.#jail}' action '${action.name}': ${messageOf(error)}`)
      })
    const obsolete = new Map([...this.#actions].filter(([name]) => !wanted.has(name)))
    await this.#lift(obsolete, bans, { isStop: true })
    await this.#end(obsolete)
    const before = new Map(this.#actions)
    this.#actions.clear()
    for (const { name, properties } of specs)
      this.#actions.set(name, before.get(name) ?? this.#create(name, properties))
    const added = [...this.#actions.values()].filter((action) => !before.has(action.name))
    await this.start(added)
    if (added.length > 0) for (const ban of bans) await this.ban({ ...ban, isRestored: true }, undefined, added)
  }

  /** The action whose ban an unban by these commands would end. */
  async sufferer(texts: readonly string[], ban: BriefBan, record?: Ban): Promise<CommandAction | undefined> {
    const tags = this.#tags(ban, record)
    for (const action of this.#actions.values()) if (await action.wouldSuffer(texts, tags)) return action
    return undefined
  }

  /** Whether unbans of other jails wait for the end of ours. */
  owes(id: string): boolean {
    return [...this.#actions.values()].some((action) => action.holdBack.owes(id))
  }

  async #lift(
    actions: ReadonlyMap<string, CommandAction>,
    bans: readonly BriefBan[],
    { isStop, told }: { isStop: boolean; told?: ((ban: BriefBan) => void) | undefined },
  ): Promise<void> {
    const oneByOne: CommandAction[] = []
    for (const action of actions.values()) if (!(await this.#flush(action, isStop))) oneByOne.push(action)
    for (const ban of bans) {
      told?.(ban)
      if (oneByOne.length > 0) await this.#unban(oneByOne, ban)
    }
  }

  async #flush(action: CommandAction, isStop: boolean): Promise<boolean> {
    if (action.properties.text('actionflush') === '') return false
    this.#say('NOTICE', `[${this.#jail}] Flush ticket(s) with ${action.name}`)
    try {
      await action.flush()
    } catch (error) {
      this.#say('ERROR', `Failed to flush bans in jail '${this.#jail}' action '${action.name}': ${messageOf(error)}`)
      this.#say('INFO', 'No flush occurred, do consistency check')
      const mayRepair = () => {
        if (!isStop || action.properties.flag('actionrepair_on_unban')) return true
        this.#say('ERROR', 'Invariant check failed. Flush is impossible.')
        return false
      }
      await action.checkConsistency(mayRepair).catch((wrong: unknown) => this.#say('ERROR', messageOf(wrong)))
    }
    return true
  }

  async #unban(actions: Iterable<CommandAction>, ban: BriefBan): Promise<void> {
    const tags = this.#tags(ban)
    for (const action of actions) await this.#try('unban', action, tags, () => action.unban(tags))
  }

  async #end(actions: ReadonlyMap<string, CommandAction>): Promise<void> {
    for (const [name, action] of [...actions].reverse()) {
      for (const id of action.holdBack.owedIds)
        await action.unbanOthers(this.#tags({ id, startMs: 0, durationMs: undefined, count: 1 }))
      await action.stop().catch((error: unknown) => {
        this.#say('ERROR', `Failed to stop jail '${this.#jail}' action '${name}': ${messageOf(error)}`)
      })
      this.#troubles.delete(name)
      this.#actions.delete(name)
      this.#say('DEBUG', `${this.#jail}: action ${name} terminated`)
    }
  }

  async #try(verb: string, action: CommandAction, tags: BanTags, run: () => Promise<void>): Promise<boolean> {
    try {
      await run()
      this.#troubles.delete(action.name)
      return true
    } catch (error) {
      this.#troubles.set(action.name, `action "${action.name}": ${messageOf(error)}`)
      const what = `jail '${this.#jail}' action '${action.name}' info '${tags.describe()}'`
      this.#say('ERROR', `Failed to execute ${verb} ${what}: ${messageOf(error)}`)
      return false
    }
  }

  #tags(ban: BriefBan, record?: Ban): BanTags {
    return this.#options.tagsOf(ban, record, this.#remembered.get(ban.id))
  }

  #create(name: string, given: ActionSpec['properties']): CommandAction {
    const warn = (text: string) => this.#say('ERROR', `[${this.#jail}] action '${name}': ${text}`)
    const properties = new Properties({ ...this.#options, warn })
    properties.replace(valuesOf(given))
    return new CommandAction(name, properties, { ...this.#options.surroundings, nextEpoch: () => ++this.#epoch })
  }

  get #jail(): string {
    return this.#options.jail
  }

  #say(level: LogLevel, text: string): void {
    this.#options.log.write(level, 'actions', text)
  }
}

const switches = new Set(['actionstart_on_demand', 'actionrepair_on_unban', 'norestored'])

/** Switches of the configuration are texts there, and booleans in Fail2ban's actions. */
function valuesOf(given: ActionSpec['properties']): (readonly [string, string | boolean])[] {
  return given.map(([name, value]) => [name, switches.has(name) ? isYes(value) : value])
}

function isSkipped(action: CommandAction, ban: BriefBan): boolean {
  return ban.isRestored === true && action.properties.flag('norestored')
}
