import type { FleetMode } from '../../fleet/mode.js'
import type { Heard } from '../../fleet/reception.js'
import type { RosterChange } from '../../fleet/roster.js'
import type { Quarantine } from '../../fleet/trust/standing.js'
import type { NodeName } from '../../fleet/word.js'
import type { FleetJails } from './fleet-jails.js'
import type { FleetKnowledge, StandingWatcher } from './fleet-knowledge.js'
import type { FleetState } from './fleet-state.js'

export interface HeardWordsOptions {
  state: Pick<FleetState, 'clock' | 'log'>
  knowledge: FleetKnowledge
  jails: FleetJails
  /** All that this member has told is void, and its numbers begin anew. */
  onForgotten(node: NodeName): void
}

/** What becomes of a word that is believed: remembered, offered to the jails that count, lifted. */
export class HeardWords implements StandingWatcher {
  readonly #options: HeardWordsOptions

  constructor(options: HeardWordsOptions) {
    this.#options = options
  }

  onWord({ word, ip, cappedUntilMs, effect, arrival }: Heard): void {
    const { state, knowledge, jails } = this.#options
    const { bans, self } = knowledge
    const nowMs = state.clock.now()
    if (word.kind !== 'sighting' && bans.tell(word, { untilMs: cappedUntilMs, nowMs }) !== 'kept') return
    if (word.kind === 'unban') {
      if (word.everywhere) jails.liftEverywhere(word, { self, standing: knowledge.standing(ip.text) })
      else if (knowledge.isOursAlone(ip.text)) jails.lift(ip.text)
      return
    }
    if (effect === 'hold' || bans.isLifted({ ip: word.ip, jail: word.jail, atMs: word.atMs }, nowMs)) return
    jails.offer(word, effect === 'enforce' ? 'alone' : 'with-others', { isSettled: arrival === 'catch-up' })
  }

  onRoster(change: RosterChange): void {
    const { log } = this.#options.state
    if (change.kind === 'joined') log.write('NOTICE', 'fleet', `${change.member.name} is in the fleet`)
    if (change.kind === 'revoked')
      log.write('WARNING', 'fleet', `${change.member.name} is revoked: what it has told has no effect any more`)
    // We may hear that a machine has joined with another key before we hear that the former one was revoked, or never.
    if (change.kind === 'revoked' || (change.kind === 'joined' && change.isAnew)) this.#withdraw(change.member.name)
  }

  /** What it has told before has no effect either, where it means harm. */
  onHeld(node: NodeName, { isRetroactive }: Quarantine): void {
    const { knowledge, jails } = this.#options
    if (!isRetroactive) return
    jails.withdraw(node)
    for (const { ip } of this.#wordsOf(node)) if (knowledge.isOursAlone(ip)) jails.lift(ip)
  }

  /** What was held has effect now, as if it had just been told. */
  onFreed(node: NodeName): void {
    const { state, knowledge, jails } = this.#options
    const member = knowledge.roster.memberOf(node)
    if (member === undefined) return
    const weight = knowledge.judge.weightOf(member, state.clock.now())
    for (const word of this.#wordsOf(node)) {
      if (word.kind !== 'ban') continue
      const isStanding = knowledge.standing(word.ip).some((ban) => ban.node === node && ban.jail === word.jail)
      if (isStanding) jails.offer(word, weight, { isSettled: true })
    }
  }

  /** The mode has changed: what is known counts as if it had just been told. Evidence from before is gone. */
  onMode(mode: FleetMode): void {
    const { state, knowledge, jails } = this.#options
    const { bans } = knowledge
    const nowMs = state.clock.now()
    jails.beginAnew()
    if (mode === 'off') return
    for (const word of [...bans.words(nowMs)]) {
      const weight = knowledge.weightOf(word.node)
      if (word.kind !== 'ban' || weight === undefined) continue
      const isStanding = knowledge.standing(word.ip).some((ban) => ban.node === word.node && ban.jail === word.jail)
      if (!isStanding) continue
      jails.offer(word, weight, { isSettled: true })
    }
  }

  #withdraw(node: NodeName): void {
    const { knowledge, jails, onForgotten } = this.#options
    if (node === knowledge.self) return
    jails.withdraw(node)
    onForgotten(node)
    for (const ip of knowledge.forget(node)) if (knowledge.isOursAlone(ip)) jails.lift(ip)
  }

  #wordsOf(node: NodeName) {
    const { state, knowledge } = this.#options
    return [...knowledge.bans.words(state.clock.now(), node)]
  }
}
