import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Ban } from '../../domain/ban.js'
import type { Member } from '../../fleet/member.js'
import type { NodeName } from '../../fleet/word.js'
import { namesIn } from './banned-by.js'
import type { FleetKnowledge } from './fleet-knowledge.js'
import type { FleetState } from './fleet-state.js'

/** Each takes a microsecond, and 20 where the database is asked. */
const looksAtOnce = 200

/** All that others have told while we were away is known now. */
export async function settleCaughtUp(state: FleetState, knowledge: FleetKnowledge): Promise<void> {
  const { store, log } = state
  // Where others still have what our own disk has forgotten.
  store.outbox.raiseTo(knowledge.sequences.newestOf(knowledge.self) ?? 0)
  log.write('INFO', 'fleet', 'What was told meanwhile is known')
  if (knowledge.takeLapse()) await liftLapsed(state, knowledge)
}

/**
 * A ban that came back with a start, and rests on nobody's word but that of members who were revoked while we were away, ends. What they have told
 * nobody reads any more, so only the ban's own record says whose word it was.
 */
async function liftLapsed({ store, bans, jails }: FleetState, knowledge: FleetKnowledge): Promise<void> {
  const memberOf = (name: NodeName) => knowledge.roster.memberOf(name)
  let looks = 0
  for (const { name, config } of [...jails.values()]) {
    if (config.source.kind !== 'fleet') continue
    for (const { id } of bans.live.of(name)) {
      if (++looks % looksAtOnce === 0) await nextTurn()
      if (knowledge.standing(id).length > 0) continue
      const ban = store.bans.lastOf(name, id)
      if (ban !== undefined && isLapsed(ban, memberOf)) bans.lift(id, name)
    }
  }
}

function isLapsed({ startMs, lines }: Ban, memberOf: (name: NodeName) => Member | undefined): boolean {
  const tellers = namesIn(lines[0] ?? '')
  return tellers.length > 0 && tellers.every((name) => isVoid(memberOf(name), startMs))
}

/** Who is nobody's member is no member of ours either: `(anybody)`, or this machine before it had another name. */
function isVoid(member: Member | undefined, atMs: number): boolean {
  if (member === undefined) return false
  const { revokedAtMs, sinceMs } = member
  return atMs < sinceMs || (revokedAtMs !== undefined && atMs >= revokedAtMs)
}
