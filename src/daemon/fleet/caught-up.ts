import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Member } from '../../fleet/member.js'
import type { NodeName } from '../../fleet/word.js'
import { messageOf } from '../../lib/error-message.js'
import { evidenceIn } from './banned-by.js'
import type { FleetJails } from './fleet-jails.js'
import type { FleetKnowledge } from './fleet-knowledge.js'
import type { FleetState } from './fleet-state.js'

export interface Settled {
  state: FleetState
  knowledge: FleetKnowledge
  jails: FleetJails
}

/** Each takes a microsecond, and 20 where the database is asked. */
const looksAtOnce = 200

/** All that others have told while we were away is known now. */
export async function settleCaughtUp(settled: Settled): Promise<void> {
  const { state, knowledge } = settled
  const { store, log } = state
  // Where others still have what our own disk has forgotten.
  store.outbox.raiseTo(knowledge.sequences.newestOf(knowledge.self) ?? 0)
  log.write('INFO', 'fleet', 'What was told meanwhile is known')
  await liftLapsed(settled)
}

/**
 * A ban that rests on the word of members who were revoked, now or while we were away, and without them on too little, ends. What they have
 * told nobody knows any more, so only the ban's own record says whose word it was.
 */
export async function liftLapsed(settled: Settled): Promise<void> {
  // Whoever has just withdrawn it is to be through with that.
  await nextTurn()
  if (!settled.knowledge.takeLapse()) return
  try {
    await lift(settled)
  } catch (error) {
    const text = `Whom a revoked member has banned cannot be looked up, such bans stay until their end: ${messageOf(error)}`
    settled.state.log.write('ERROR', 'fleet', text)
  }
}

async function lift({ state, knowledge, jails }: Settled): Promise<void> {
  const { store, bans } = state
  const memberOf = (name: NodeName) => knowledge.roster.memberOf(name)
  let looks = 0
  for (const unit of [...state.jails.values()]) {
    if (unit.config.source.kind !== 'fleet') continue
    for (const { id } of bans.live.of(unit.name)) {
      if (++looks % looksAtOnce === 0) await nextTurn()
      const standing = knowledge.standing(id).flatMap((ban) => {
        const weight = knowledge.weightOf(ban.node)
        return weight === undefined ? [] : { ...ban, weight }
      })
      if (jails.isKnownEnough(unit, id, standing)) continue
      const ban = store.bans.lastOf(unit.name, id)
      if (ban === undefined) continue
      const evidence = evidenceIn(ban.lines[0] ?? '')
      const left = evidence.filter(({ node }) => !isVoid(memberOf(node), ban.startMs))
      if (left.length < evidence.length && !jails.isEnough(unit, left)) bans.lift(id, unit.name)
    }
  }
}

/** Who is nobody's member is no member of ours either: `(anybody)`, or this machine before it had another name. */
function isVoid(member: Member | undefined, atMs: number): boolean {
  if (member === undefined) return false
  const { revokedAtMs, sinceMs } = member
  return atMs < sinceMs || (revokedAtMs !== undefined && atMs >= revokedAtMs)
}
