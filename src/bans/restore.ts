import { setImmediate } from 'node:timers/promises'
import { type Ip, parseIp } from '../domain/address.js'
import { type Ban, endMs } from '../domain/ban.js'
import type { Closure, TimedClosure } from '../domain/enforcer.js'
import type { Clock } from '../lib/clock.js'
import type { Log } from '../lib/log.js'
import type { BanRecords } from './ban-records.js'
import { type LiveBan, type LiveBans, remainingMs } from './live-bans.js'
import { ManyLines } from './many-lines.js'
import type { BanWatcher } from './news.js'
import type { Refusals } from './refusals.js'

/** What has changed in the jail since its bans were stored (spec 5.6). */
export interface RestoreRules {
  /** Bans that a jail has decided are cut to this length; missing: they are not. */
  durationMsMax?: number | undefined
  /** For bans of an old file that does not know how long they last: the jail's ban time. */
  unknownDurationMs?: number | undefined
  /** The rule by which this id is ignored now, in Fail2ban's word; undefined: it is not. */
  ignored?(id: string): string | undefined
}

export interface RestoreStep {
  taken: number
  /** What has to be in force for those that were taken up, as far as the kernel can; ends are as of now. */
  closures: TimedClosure[]
  /** Who is on record but not to be shut out any more. */
  declined: Closure[]
}

export interface RestoreOptions {
  clock: Clock
  log: Log
  store: BanRecords
  live: LiveBans
  refusals: Refusals
  actions?: BanWatcher | undefined
  mayBanText?(jail: string): boolean
  /** Told of every ban that is taken up. */
  onLive(live: LiveBan): void
}

const toldAtOnce = 2000

/** Takes up what the store has, and tells of it once it is in force. */
export class Restore {
  readonly #options: RestoreOptions
  /** By slot: with its lines and groups, where actions may want them. */
  readonly #details = new Map<number, Ban>()

  constructor(options: RestoreOptions) {
    this.#options = options
  }

  /** Takes up the jail's bans, some at each step. */
  *steps(jail: string, rules: RestoreRules): Iterable<RestoreStep> {
    const { store, clock, live, mayBanText, onLive } = this.#options
    const hasActions = mayBanText?.(jail) ?? false
    const { unknownDurationMs } = rules
    const options = { details: hasActions, ...(unknownDurationMs !== undefined && { unknownDurationMs }) }
    for (const slice of store.currentInSlices(jail, clock.now(), options)) {
      const step: RestoreStep = { taken: 0, closures: [], declined: [] }
      const nowMs = clock.now()
      for (const stored of slice) {
        const ip = parseIp(stored.id)
        const ban = this.#restorable(stored, ip, rules, nowMs)
        if (ban === undefined) {
          if (ip !== undefined && !live.has(jail, ip.text)) step.declined.push({ jail, ip })
          continue
        }
        const one = live.add(ban, { untold: 'restored' })
        onLive(one)
        // Actions see one more than is stored, as Fail2ban's do (spec 5.6).
        if (hasActions) this.#details.set(one.slot, { ...ban, count: ban.count + 1 })
        if (ip !== undefined) step.closures.push({ jail, ip, remainingMs: remainingMs(one, nowMs) })
        step.taken++
      }
      yield step
    }
  }

  /** They are in force: says so, of the first at once, of the others in parts between which others come. */
  async tell(): Promise<void> {
    const { live, log, actions } = this.#options
    let told = 0
    const lines = new ManyLines(log)
    for (const ban of live.takeUntold('restored')) {
      lines.write(ban.jail, 'Restore Ban', ban.id)
      actions?.banned(this.#details.get(ban.slot) ?? withoutDetails(ban), 'restored')
      this.#details.delete(ban.slot)
      if (++told % toldAtOnce === 0) await setImmediate()
    }
    lines.end('more bans restored')
  }

  /** Undefined: not in force any more. */
  #restorable(stored: Ban, ip: Ip | undefined, rules: RestoreRules, nowMs: number): Ban | undefined {
    const { live, refusals, log } = this.#options
    const id = ip?.text ?? stored.id
    const right = cut(stored, rules)
    const ban = id === right.id ? right : { ...right, id }
    if (endMs(ban) <= nowMs || live.has(ban.jail, ban.id)) return undefined
    const by = rules.ignored?.(ban.id)
    if (by !== undefined) {
      log.write('INFO', 'filter', `[${ban.jail}] Ignore ${ban.id} by ${by}`)
      return undefined
    }
    return refusals.against(ban, ip, { force: ban.origin.kind === 'operator' }) === undefined ? ban : undefined
  }
}

/** An operator has said how long: that is his word, whatever the jail's ban time is now. */
function cut(ban: Ban, { durationMsMax }: RestoreRules): Ban {
  const isTooLong = durationMsMax !== undefined && (ban.durationMs ?? Number.POSITIVE_INFINITY) > durationMsMax
  return isTooLong && ban.origin.kind !== 'operator' ? { ...ban, durationMs: durationMsMax } : ban
}

function withoutDetails({ jail, id, startMs, durationMs, count }: LiveBan): Ban {
  const origin = { kind: 'restored' } as const
  return { jail, id, startMs, durationMs, origin, count: count + 1, failures: 0, lines: [], data: {} }
}
