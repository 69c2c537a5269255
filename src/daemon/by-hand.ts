import { isSingleAddress, parseIp } from '../domain/address.js'
import type { Ban } from '../domain/ban.js'
import { networkOf } from '../jail/offender.js'
import type { JailUnit } from './jails.js'
import type { State } from './state.js'

/** How long a ban by hand lasts that names neither a time nor a jail. */
export const manualBanMs = 3_600_000

/** A ban that an operator orders now. `durationMs` missing: the jail's ban time; undefined: permanent. */
export function banByHand(
  { clock, jails }: State,
  order: { id: string; jail: string; durationMs?: number | undefined },
): Ban {
  const unit = jails.get(order.jail)
  const byDefault = unit === undefined ? manualBanMs : unit.config.jail.banTimeMs
  return {
    jail: order.jail,
    id: order.id,
    startMs: clock.now(),
    durationMs: 'durationMs' in order ? order.durationMs : byDefault,
    origin: { kind: 'operator' },
    count: 1,
    failures: 0,
    lines: [],
    data: {},
  }
}

/**
 * Lets somebody out for good, in one jail or in all: his bans end, and those of the IPv6 network that a jail bans in his place; what is
 * held back or counted against him is forgotten. Resolves, when that is durable, to the number of bans that each id had.
 */
export async function letOut(state: State, ids: readonly string[], jail?: string): Promise<number[]> {
  const lifted = ids.map((id) => letOutOne(state, parseIp(id)?.text ?? id, jail))
  await state.bans.settled()
  // The lines behind these bans are not read again, even if we are killed in the next moment: an unban is for good.
  state.positions.save()
  return lifted
}

function letOutOne({ bans, jails, heldBack }: State, id: string, jail: string | undefined): number {
  heldBack.forget(id, jail)
  let lifted = 0
  for (const unit of jails.values()) {
    if (jail !== undefined && unit.name !== jail) continue
    // Somebody who was let out by hand begins anew, where he was let out.
    unit.jail.forgive(id)
    const offender = unit.jail.offenderOf(id)
    if (offender !== id) lifted += bans.lift(offender, unit.name)
  }
  return lifted + bans.lift(id, jail)
}

/** The networks that may be banned in place of this address: as offenders (`ipv6_prefix`), and as escalations. */
export function networksOver(id: string, jails: Iterable<JailUnit>): string[] {
  const ip = parseIp(id)
  if (ip === undefined || !isSingleAddress(ip)) return []
  const escalated = escalations[ip.family].map((prefix) => networkOf(ip, prefix))
  const offenders = [...jails].map(({ jail }) => jail.offenderOf(ip.text))
  return [...new Set([...offenders, ...escalated])].filter((network) => network !== ip.text)
}

const escalations = { 4: [24], 6: [64, 56, 48] } as const
