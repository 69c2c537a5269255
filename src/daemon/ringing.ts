import type { BanOutcome } from '../api/operations.js'
import type { Ring } from '../api/ringers.js'
import { isSingleAddress, parseIp } from '../domain/address.js'
import type { Ban } from '../domain/ban.js'
import { banOutcomeOf } from './ban-outcome.js'
import { manualBanMs } from './by-hand.js'
import { manualScope, type State } from './state.js'

/**
 * Bans at the word of a program with a token. That is evidence as a line of a log is: addresses only, who is protected stays so, and the
 * jail's budget holds it back as it does its own.
 */
export async function ring(state: State, asked: Ring): Promise<BanOutcome[] | { unknownJail: string }> {
  const { bans, jails } = state
  if (!jails.has(asked.jail) && asked.jail !== manualScope.jail) return { unknownJail: asked.jail }
  const decided = asked.ips.map((text) => {
    const ban = banOf(state, asked, text)
    const ip = parseIp(text)
    return ip === undefined || !isSingleAddress(ip)
      ? { ban, enactment: { kind: 'refused', reason: 'is no address', canForce: false } as const }
      : { ban, enactment: bans.enact(ban) }
  })
  await bans.settled()
  return decided.map((decision) => banOutcomeOf(state, decision))
}

function banOf({ clock, jails }: State, { jail, durationMs, longestMs, by }: Ring, text: string): Ban {
  const unit = jails.get(jail)
  const id = parseIp(text)?.text ?? text
  const byDefault = unit === undefined ? manualBanMs : unit.config.jail.banTimeMs
  return {
    jail,
    id: unit?.jail.offenderOf(id) ?? id,
    startMs: clock.now(),
    durationMs: Math.min(durationMs ?? byDefault ?? Number.POSITIVE_INFINITY, longestMs),
    origin: { kind: 'jail' },
    count: 1,
    failures: 0,
    lines: [`asked for with the token ${by}`],
    data: {},
  }
}
