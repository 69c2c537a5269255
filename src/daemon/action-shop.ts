import { BanTags } from '../action/ban-tags.js'
import { JailActions } from '../action/jail-actions.js'
import { type OwnHostNames, ownHostNames } from '../action/own-host-names.js'
import { Turns } from '../action/turns.js'
import type { ActionWorld, BriefBan } from '../action/world.js'
import type { Bans } from '../bans/bans.js'
import { parseDurationMs } from '../config/duration.js'
import type { Ban } from '../domain/ban.js'
import type { Clock } from '../lib/clock.js'
import type { Log } from '../lib/log.js'
import { JailNotices } from '../notify/jail-notices.js'
import type { Store } from '../store/store.js'
import type { ActionParts, RunningActions } from './jail-actions.js'
import type { JailUnit } from './jails.js'
import { PtrNames } from './ptr-names.js'

/** How long mails may take that are still to be sent at the end. */
const lastMailsMs = 10_000
/** How long commands may take that undo bans at the end. A service manager usually kills after 90 s. */
const lastCommandsMs = 60_000

/** What tags of actions can tell of the daemon. */
export interface ActionState {
  bans: Bans
  store: Store
  jails: ReadonlyMap<string, JailUnit>
}

/** Makes the actions of all jails; what they share is in here. */
export class ActionShop {
  readonly #clock: Clock
  readonly #log: Log
  readonly #hostNames: OwnHostNames
  readonly #turns = new Turns()
  readonly #ptrNames: PtrNames
  readonly #shells = new Map<string, JailActions>()

  constructor(options: { clock: Clock; log: Log; hostNames: OwnHostNames }) {
    this.#clock = options.clock
    this.#log = options.log
    this.#hostNames = options.hostNames
    this.#ptrNames = new PtrNames(options.clock)
  }

  static async open({ clock, log }: { clock: Clock; log: Log }): Promise<ActionShop> {
    return new ActionShop({ clock, log, hostNames: await ownHostNames(clock) })
  }

  /** Starts nothing yet. `state` need not be complete before the first call of what is returned. */
  actionsOf(jail: string, parts: ActionParts, state: () => ActionState): RunningActions {
    const world = this.#worldOf(jail, state)
    const options = { jail, clock: this.#clock, log: this.#log }
    const shell = new JailActions({
      ...options,
      specs: parts.shell,
      turns: this.#turns,
      hostNames: this.#hostNames,
      durationMs: parseDurationMs,
      world,
      onBanned: ({ id }, isMade) => state().bans.setEnforced(jail, id, isMade),
    })
    return new UnitActions({
      clock: this.#clock,
      shell,
      notices: new JailNotices({ ...options, notices: parts.notices, names: this.#hostNames }),
      jail,
      world,
      shells: this.#shells,
    })
  }

  #worldOf(jail: string, state: () => ActionState): ActionWorld<JailActions> {
    const unit = () => state().jails.get(jail)
    return {
      figures: () => ({
        banned: state().bans.live.count(jail),
        bannedTotal: state().bans.live.total(jail),
        found: unit()?.jail.failedNow(this.#clock.now()) ?? 0,
        foundTotal: unit()?.jail.failuresTotal ?? 0,
      }),
      banTimeMs: () => unit()?.config.jail.banTimeMs,
      hostOf: (ip) => this.#ptrNames.of(ip),
      history: (id, scope) => state().store.bans.historyLines(id, scope === 'jail' ? jail : undefined),
      lastOf: (id) => state().store.bans.lastOf(jail, id),
      othersHolding: (id) =>
        state()
          .bans.live.ofId(id)
          .flatMap((ban) => (ban.jail === jail ? [] : (this.#shells.get(ban.jail) ?? []))),
    }
  }
}

interface UnitActionsOptions {
  clock: Clock
  jail: string
  shell: JailActions
  notices: JailNotices
  world: ActionWorld<JailActions>
  /** Those that have been started, by jail. */
  shells: Map<string, JailActions>
}

/** Commands and mails of one jail. */
class UnitActions implements RunningActions {
  readonly #options: UnitActionsOptions

  constructor(options: UnitActionsOptions) {
    this.#options = options
  }

  start(): void {
    const { shells, jail, shell } = this.#options
    shells.set(jail, shell)
    void shell.start()
    this.#options.notices.start()
  }

  banned(ban: Ban, how: 'new' | 'restored'): void {
    this.#options.shell.banned(ban, { restored: how === 'restored' })
    this.#options.notices.banned(this.#tagsOf({ ...ban, isRestored: how === 'restored' }, ban), how)
  }

  prolonged(ban: BriefBan): void {
    this.#options.shell.prolonged(ban)
  }

  unbanned(ban: BriefBan): void {
    this.#options.shell.unbanned(ban)
    this.#options.notices.unbanned(this.#tagsOf(ban))
  }

  repeated(ban: BriefBan, lateMs: number): void {
    this.#options.shell.repeated(ban, lateMs)
  }

  async replace(parts: ActionParts, live: readonly BriefBan[], how: { isReload: boolean }): Promise<void> {
    // Mails that wait for a server that hangs must not hold up a reload.
    this.#options.notices.replace(parts.notices)
    await this.#options.shell.replace(parts.shell, live, how)
  }

  async stop(live: readonly BriefBan[]): Promise<void> {
    const { shells, jail, shell, clock, notices } = this.#options
    const cancel = clock.after(lastCommandsMs, () => shell.abandon())
    await Promise.all([shell.stop(live), notices.stop(AbortSignal.timeout(lastMailsMs))])
    cancel()
    shells.delete(jail)
  }

  call(name: string, method: string): Promise<void> | undefined {
    return this.#options.shell.call(name, method)
  }

  get trouble(): string | undefined {
    return this.#options.shell.trouble
  }

  #tagsOf(ban: BriefBan, record?: Ban): BanTags {
    const { jail, world } = this.#options
    return new BanTags(jail, ban, world, record)
  }
}
