import type { LiveBan, LiveBans } from '../../bans/live-bans.js'

export interface BanCounts {
  live: number
  enforced: number
}

type Bans = Pick<LiveBans, 'counts' | 'count' | 'jails' | 'of' | 'get'>

/** So many of the smaller side are looked up, in some 30 ms (measured, beside a million); what is beyond counts twice rather than holding up bans. */
const lookedUpMax = 10_000

/**
 * The bans of this machine as its fleet compares them with those of the others. Whom it has banned itself it bans by its own word too, with
 * the same rule as everybody: that is one ban here, not two, or the machine that finds most would always have the most.
 */
export function banCounts(bans: Bans, isByFleet: (jail: string) => boolean): BanCounts {
  const counts = bans.counts()
  const jails = bans.jails().filter((jail) => bans.count(jail) > 0)
  const [told, own] = [jails.filter(isByFleet), jails.filter((jail) => !isByFleet(jail))]
  const [toldSize, ownSize] = [sizeOf(bans, told), sizeOf(bans, own)]
  if (Math.min(toldSize, ownSize) > lookedUpMax) return counts
  const doubled = toldSize <= ownSize ? lookedUp(bans, told, own) : lookedUpBackwards(bans, told, own)
  for (const ban of doubled) {
    counts.live--
    if (ban.isEnforced) counts.enforced--
  }
  return counts
}

function sizeOf(bans: Bans, jails: readonly string[]): number {
  return jails.reduce((sum, jail) => sum + bans.count(jail), 0)
}

function* lookedUp(bans: Bans, told: readonly string[], own: readonly string[]): Iterable<LiveBan> {
  for (const jail of told)
    for (const ban of bans.of(jail)) if (own.some((one) => bans.get(one, ban.id) !== undefined)) yield ban
}

/** Several jails of this machine may have banned the same address. */
function* lookedUpBackwards(bans: Bans, told: readonly string[], own: readonly string[]): Iterable<LiveBan> {
  const seen = new Set<string>()
  for (const one of own)
    for (const { id } of bans.of(one)) {
      if (seen.has(id)) continue
      const doubled = told.flatMap((jail) => bans.get(jail, id) ?? [])
      if (doubled.length > 0) seen.add(id)
      yield* doubled
    }
}
