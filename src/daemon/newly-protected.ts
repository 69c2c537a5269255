import type { Bans } from '../bans/bans.js'
import type { Guarded } from '../bans/guarded.js'
import { isSingleAddress, parseIp } from '../domain/address.js'
import type { BanStore } from '../domain/ban-store.js'
import type { Log } from '../lib/log.js'

/** Addresses that a machine cannot do without. Somebody who logs in, or a proxy, may well be banned already for good reason. */
const vital: ReadonlySet<Guarded['kind']> = new Set(['own', 'gateway', 'resolver', 'fleet'])

/** This machine has got an address, gateway, resolver or peer that is banned: it would not hear of it. Bans by hand stay, and that is said. */
export function liftNewlyProtected(
  appeared: readonly Guarded[],
  { bans, history, log }: { bans: Bans; history: Pick<BanStore, 'history'>; log: Log },
): void {
  for (const { ip, kind, reason } of appeared) {
    if (!vital.has(kind) || !isSingleAddress(ip)) continue
    for (const { jail, id } of networksAround(ip.text, ip.prefix).flatMap((text) => bans.live.ofId(text))) {
      const isByHand = history.history(id).find((ban) => ban.jail === jail)?.origin.kind === 'operator'
      const outcome = isByHand ? `the ban by hand stays; 'tocsin unban ${id}' lifts it` : 'the ban is lifted'
      log.write('WARNING', 'actions', `[${jail}] ${id} is banned, but now ${reason}: ${outcome}`)
      if (!isByHand) bans.lift(id, jail)
    }
  }
}

/** The address, and every network that it is in. */
function networksAround(address: string, bits: number): string[] {
  return Array.from({ length: bits + 1 }, (_, i) => parseIp(`${address}/${bits - i}`)?.text ?? []).flat()
}
