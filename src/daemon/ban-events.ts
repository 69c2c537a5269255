import type { LiveBan } from '../bans/live-bans.js'
import type { BanWatcher } from '../bans/news.js'
import type { Ban } from '../domain/ban.js'
import type { Failure } from '../domain/failure.js'
import type { Clock } from '../lib/clock.js'
import { hasAny } from './jail-actions.js'
import type { JailUnit } from './jails.js'
import type { Notifying } from './notifying.js'

export interface BanEventsOptions {
  clock: Clock
  jails: ReadonlyMap<string, JailUnit>
  /** The gate. */
  enact(ban: Ban): unknown
  lift(id: string, jail: string): unknown
  /** A jail that counts bans has found one. */
  judge(unit: JailUnit, failure: Failure): void
  notifying: Pick<Notifying, 'banned' | 'unbanned'>
  /** Ends their connections. */
  cut?(ban: Ban): void
}

/** Who has to know that a ban has begun or ended, once it is real: the jail's actions, jails that count bans, the watch over networks, people. */
export class BanEvents implements BanWatcher {
  readonly #options: BanEventsOptions

  constructor(options: BanEventsOptions) {
    this.#options = options
  }

  banned(ban: Ban, how: 'new' | 'restored'): void {
    const { jails, clock, enact, judge, notifying, cut } = this.#options
    if (how === 'new') cut?.(ban)
    const unit = jails.get(ban.jail)
    if (unit !== undefined && (how === 'new' || hasAny(unit.parts))) unit.actions.banned(ban, how)
    for (const wider of unit?.subnets?.begun(ban, how, clock.now()) ?? []) enact(wider)
    notifying.banned(ban, how)
    if (how === 'restored') return
    for (const counting of jails.values()) {
      const failure = counting.state === 'running' ? counting.recidive?.offer(ban) : undefined
      if (failure !== undefined) judge(counting, failure)
    }
  }

  prolonged(ban: Ban): void {
    const unit = this.#options.jails.get(ban.jail)
    unit?.actions.prolonged(ban)
    for (const wider of unit?.subnets?.begun(ban, 'new', this.#options.clock.now()) ?? []) this.#options.enact(wider)
  }

  repeated(ban: LiveBan, lateMs: number): void {
    this.#options.jails.get(ban.jail)?.actions.repeated(ban, lateMs)
  }

  unbanned(ban: LiveBan, why: 'expired' | 'lifted'): void {
    const { jails, clock, lift, notifying } = this.#options
    const unit = jails.get(ban.jail)
    unit?.actions.unbanned(ban)
    notifying.unbanned(ban, why)
    for (const id of unit?.subnets?.ended(ban.id, why, clock.now()) ?? []) lift(id, ban.jail)
  }
}
