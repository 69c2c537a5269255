import type { Bans } from '../bans/bans.js'
import { isSingleAddress, parseIp } from '../domain/address.js'
import type { Ban } from '../domain/ban.js'
import { networkOf } from '../jail/offender.js'
import type { JailUnit } from './jails.js'
import type { State } from './state.js'

/** How long a ban by hand lasts that names neither a time nor a jail. */
const manualBanMs = 3_600_000

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

/** Lifts the bans of an id in a jail, and of the IPv6 network that the jail bans in its place. Returns how many there were. */
export function liftWithOffender(bans: Bans, { name, jail }: JailUnit, id: string): number {
  const offender = jail.offenderOf(parseIp(id)?.text ?? id)
  return bans.lift(id, name) + (offender === id ? 0 : bans.lift(offender, name))
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
