import type { Ban } from '../domain/ban.js'
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
