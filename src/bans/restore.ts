import { parseIp } from '../domain/address.js'
import { type Ban, endMs } from '../domain/ban.js'
import type { Clock } from '../lib/clock.js'
import type { Log } from '../lib/log.js'
import type { BanRecords } from './ban-records.js'
import type { LiveBan, LiveBans } from './live-bans.js'
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

/** Takes up what the store has, and tells of it once it is in force. */
export class Restore {
  readonly #options: RestoreOptions
  /** With their lines and groups where actions may want them. */
  #untold: { live: LiveBan; ban: Ban | undefined }[] = []

  constructor(options: RestoreOptions) {
    this.#options = options
  }

  /** Takes up the jail's bans, some thousands at each step; each step says how many. */
  *steps(jail: string, rules: RestoreRules): Iterable<number> {
    const { store, clock, live, mayBanText, onLive } = this.#options
    const hasActions = mayBanText?.(jail) ?? false
    const { unknownDurationMs } = rules
    const options = { details: hasActions, ...(unknownDurationMs !== undefined && { unknownDurationMs }) }
    for (const slice of store.currentInSlices(jail, clock.now(), options)) {
      const bans = slice.flatMap((stored) => this.#restorable(stored, rules) ?? [])
      for (const ban of bans) {
        const one = live.add(ban)
        onLive(one)
        // Actions see one more than is stored, as Fail2ban's do (spec 5.6).
        this.#untold.push({ live: one, ban: hasActions ? { ...ban, count: ban.count + 1 } : undefined })
      }
      yield bans.length
    }
  }

  /** They are in force: says so. */
  tell(): void {
    const { live: all, log, actions } = this.#options
    for (const { live, ban } of this.#untold.splice(0)) {
      if (!all.isLive(live)) continue
      log.write('NOTICE', 'actions', `[${live.jail}] Restore Ban ${live.id}`)
      actions?.banned(ban ?? withoutDetails(live), 'restored')
    }
  }

  /** Undefined: not in force any more. */
  #restorable(stored: Ban, rules: RestoreRules): Ban | undefined {
    const { live, refusals, log, clock } = this.#options
    const ip = parseIp(stored.id)
    const ban = { ...cut(stored, rules), id: ip?.text ?? stored.id }
    if (endMs(ban) <= clock.now() || live.get(ban.jail, ban.id) !== undefined) return undefined
    const byOperator = ban.origin.kind === 'operator'
    const by = byOperator ? undefined : rules.ignored?.(ban.id)
    if (by !== undefined) {
      log.write('INFO', 'filter', `[${ban.jail}] Ignore ${ban.id} by ${by}`)
      return undefined
    }
    return refusals.against(ban, ip, { force: byOperator }) === undefined ? ban : undefined
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
