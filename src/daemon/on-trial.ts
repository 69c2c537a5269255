import type { ConfirmOutcome } from '../api/operations.js'
import type { WaitingTrial } from '../bans/confirmations.js'
import type { Enactment, EnactOptions } from '../bans/enactment.js'
import { parseIp } from '../domain/address.js'
import { type Ban, endMs } from '../domain/ban.js'
import { banByHand } from './by-hand.js'
import type { State } from './state.js'

/**
 * Enacts a ban by hand; with `confirmMs` only for so long, to last as it says once it is confirmed. The kernel and the store have no other
 * end than that of the trial, so a crash, or a restart, undoes it too.
 */
export function enactOnTrial(
  { bans, confirmations }: State,
  ban: Ban,
  { confirmMs, ...options }: EnactOptions & { confirmMs: number | undefined },
): { enactment: Enactment; trial?: WaitingTrial } {
  if (confirmMs === undefined || (ban.durationMs ?? Number.POSITIVE_INFINITY) <= confirmMs)
    return { enactment: bans.enact(ban, options) }
  if (confirmations.isFull)
    return { enactment: { kind: 'refused', reason: 'too many bans wait for their confirmation', canForce: false } }
  const enactment = bans.enact({ ...ban, durationMs: confirmMs }, { ...options, exact: true })
  const isUseless = enactment.kind === 'already' && enactment.untilMs >= endMs(ban)
  if (enactment.kind === 'refused' || enactment.kind === 'expired' || isUseless) return { enactment }
  const { jail, durationMs } = ban
  const id = parseIp(ban.id)?.text ?? ban.id
  const trial = { jail, id, durationMs, force: options.force, wasBanned: enactment.kind === 'already' }
  return { enactment, trial: confirmations.begin(trial, confirmMs) }
}

/** The bans that these words mean, addresses or numbers, last as they were meant to, counted from now. */
export async function confirmTrials(state: State, words: readonly string[]): Promise<ConfirmOutcome[]> {
  const { bans, confirmations, log } = state
  const outcomes = words.flatMap((word): ConfirmOutcome[] => {
    const trials = confirmations.take(parseIp(word)?.text ?? word)
    if (trials.length === 0) return [{ ip: word, result: 'unknown' }]
    return trials.map(({ jail, id, durationMs, force }) => {
      if (bans.live.get(jail, id) === undefined) return { ip: id, jail, result: 'over' }
      const ban = banByHand(state, { id, jail, durationMs })
      bans.enact(ban, { force, exact: true })
      log.write('NOTICE', 'actions', `[${jail}] ${id} is confirmed`)
      return { ip: id, jail, result: 'confirmed', endMs: ban.durationMs === undefined ? null : endMs(ban) }
    })
  })
  await bans.settled()
  return outcomes
}
