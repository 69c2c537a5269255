import { parseIp } from '../../domain/address.js'
import type { Unsaid } from '../../fleet/outbox.js'
import { TokenBucket } from '../../lib/token-bucket.js'
import type { JailUnit } from '../jails.js'
import type { FleetJails } from './fleet-jails.js'

/** How many failures a jail counts of somebody, this one included. */
export interface Count {
  retries: number
  /** For how many this one counts (`bantime.increment`); missing: one. */
  weight?: number
}

type Sighting = Extract<Unsaid, { kind: 'sighting' }>

/**
 * Half of what the others hear of a node before they think ill of it (trust/limits). What is beyond is neither told nor counted here: an attack from that
 * many addresses is seen by the others as well, and each write to our disk is to be worth it.
 */
const rate = { perMinute: 300, burst: 1500 }

/** Which of this machine's own failures are evidence that others want to hear of. */
export class Sightings {
  readonly #jails: Pick<FleetJails, 'markReached'>
  readonly #bucket = new TokenBucket()

  constructor(jails: Pick<FleetJails, 'markReached'>) {
    this.#jails = jails
  }

  /** Undefined: it is nothing to tell. Jails that count bans, here or in the fleet, have seen nothing themselves. */
  of(unit: JailUnit, id: string, { retries, weight = 1 }: Count, nowMs: number): Sighting | undefined {
    const { source, jail } = unit.config
    if (source.kind === 'fleet' || source.kind === 'bans') return undefined
    if (!this.#jails.markReached(unit.name, retries - weight, retries)) return undefined
    const ip = unit.jail.offenderOf(id)
    if (parseIp(ip) === undefined || !this.#bucket.take(rate, nowMs)) return undefined
    return { kind: 'sighting', atMs: nowMs, ip, jail: unit.name, failures: retries, windowMs: jail.findTimeMs }
  }
}
