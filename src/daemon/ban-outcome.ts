import type { BanOutcome } from '../api/operations.js'
import type { WaitingTrial } from '../bans/confirmations.js'
import type { Enactment } from '../bans/enactment.js'
import { parseIp } from '../domain/address.js'
import { type Ban, endMs } from '../domain/ban.js'
import type { State } from './state.js'

/** What became of a ban that somebody asked for, for him; to be read once bans have settled. */
export function banOutcomeOf(
  { bans, enforcer, fleet }: State,
  { ban, enactment, trial }: { ban: Ban; enactment: Enactment; trial?: WaitingTrial },
): BanOutcome {
  const ip = parseIp(ban.id)?.text ?? ban.id
  const { jail } = ban
  if (enactment.kind === 'refused') {
    const { reason, canForce } = enactment
    return { ip, jail, result: 'refused', reason, canForce }
  }
  if (enactment.kind === 'held')
    return { ip, jail, result: 'refused', reason: `the jail holds it back: ${enactment.reason}`, canForce: false }
  const live = bans.live.get(jail, ip)
  const result = enactment.kind === 'already' || enactment.kind === 'extended' ? enactment.kind : 'banned'
  const isSimulated = enforcer.kind === 'simulate'
  return {
    ip,
    jail,
    result,
    endMs: finite(endMs(live ?? ban)),
    enforced: live?.isEnforced === true && !isSimulated,
    ...(isSimulated && { simulated: true }),
    ...(fleet && result !== 'already' && { told: fleet.state.connected ? 'now' : 'later' }),
    saved: bans.trouble.storing === undefined,
    ...(trial && { trial: { number: trial.number, untilMs: trial.untilMs, endMs: finite(endMs(ban)) } }),
  }
}

/** JSON has no infinity: null is permanent. */
export function finite(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null
}
