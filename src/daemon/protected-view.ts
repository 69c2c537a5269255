import type { ProtectedView, ResumeOutcome } from '../api/operations.js'
import type { State } from './state.js'

const shownMax = 2000
const heldShownMax = 100
/** An operator who says that a jail is right is believed for so long. */
const resumedMs = 3_600_000

/** Who may not be banned and why, who was refused, what is held back, what waits for a confirmation. */
export function protectedView(state: State): ProtectedView {
  const all = [
    ...state.protection.all().map(({ ip, kind, reason, sinceMs }) => ({ network: ip.text, kind, reason, sinceMs })),
    ...ignored(state),
  ]
  return {
    protected: all.slice(0, shownMax),
    more: Math.max(0, all.length - shownMax),
    refused: state.bans.refused.map(({ id, ...refused }) => ({ ip: id, ...refused })),
    heldBack: state.heldBack.jails().map(({ bans, ...held }) => ({
      ...held,
      ips: bans.slice(-heldShownMax).map(({ id }) => id),
    })),
    trials: state.confirmations.waiting().map(({ number, id, jail, untilMs }) => ({ number, ip: id, jail, untilMs })),
  }
}

/** Jails that would ban this id, but hold back. */
export function heldIn({ heldBack }: State, id: string): { jail: string; reason: string }[] {
  const held = heldBack.jails().filter(({ bans }) => bans.some((ban) => ban.id === id))
  return held.map(({ jail, reason }) => ({ jail, reason }))
}

/** The jail's bans are right: those that it has held back begin now, and others as they come. */
export async function resumeJail(
  { heldBack, bans, clock }: State,
  { jail, forMs = resumedMs }: { jail: string; forMs?: number | undefined },
): Promise<ResumeOutcome> {
  const held = heldBack.resume(jail, clock.now() + forMs)
  if (held === undefined) return { jail, result: 'nothing' }
  const enforced = held.filter((ban) => bans.enact(ban).kind === 'enacted').length
  await bans.settled()
  return { jail, result: 'resumed', enforced }
}

/** What stands in `ignoreip`, each once, with the jails for which it does. */
function ignored({ jails }: State): ProtectedView['protected'] {
  const names = new Map<string, string[]>()
  for (const unit of jails.values()) {
    for (const { text } of unit.ignored.networks()) {
      const known = names.get(text)
      if (known === undefined) names.set(text, [unit.name])
      else if (known.at(-1) !== unit.name) known.push(unit.name)
    }
  }
  return [...names].map(([network, of]) => ({
    network,
    kind: 'ignoreip',
    reason: `${network} is in ignoreip of ${of.length === jails.size ? 'every jail' : of.join(', ')}`,
  }))
}
