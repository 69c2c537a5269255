import type { KnownBans } from '../../fleet/known-bans/known-bans.js'
import type { Heard } from '../../fleet/reception.js'
import type { RosterChange } from '../../fleet/roster.js'
import type { NodeName } from '../../fleet/word.js'
import type { FleetJails } from './fleet-jails.js'
import type { FleetState } from './fleet-state.js'

export interface HeardWordsOptions {
  state: Pick<FleetState, 'clock' | 'log'>
  /** This machine. */
  name: NodeName
  known: KnownBans
  jails: FleetJails
}

/** What becomes of a word that is believed: remembered, offered to the jails that count, lifted. */
export class HeardWords {
  readonly #options: HeardWordsOptions

  constructor(options: HeardWordsOptions) {
    this.#options = options
  }

  population(node: string, ip: string): { ofNode: number; ofFleet: number; isKnown: boolean } {
    const nothing = { kind: 'unban', seq: 0, atMs: 0, jail: undefined, everywhere: false, untilMs: 0 } as const
    return this.#options.known.population({ ...nothing, node, ip })
  }

  /** Whether somebody's ban of it holds already, ours included. */
  isStanding(ip: string): boolean {
    return this.#options.known.standing(ip, this.#options.state.clock.now()).length > 0
  }

  onWord({ word, ip, cappedUntilMs, effect }: Heard): void {
    const { state, name, known, jails } = this.#options
    const nowMs = state.clock.now()
    if (word.kind !== 'sighting' && known.tell(word, { untilMs: cappedUntilMs, nowMs }) !== 'kept') return
    if (word.kind === 'unban') {
      const standing = known.standing(ip.text, nowMs)
      if (word.everywhere) jails.liftEverywhere(word, { self: name, standing })
      else if (standing.every(({ node }) => node === name)) jails.lift(ip.text)
      return
    }
    if (effect === 'hold' || known.isLifted({ ip: word.ip, jail: word.jail, atMs: word.atMs }, nowMs)) return
    jails.offer(word, effect === 'enforce' ? 'alone' : 'with-others')
  }

  onRoster(change: RosterChange): void {
    const { state, name, known, jails } = this.#options
    const { log, clock } = state
    if (change.kind === 'joined') log.write('NOTICE', 'fleet', `${change.member.name} is in the fleet`)
    if (change.kind !== 'revoked') return
    const gone = change.member.name
    log.write('WARNING', 'fleet', `${gone} is revoked: what it has told has no effect any more`)
    jails.withdraw(gone)
    for (const ip of known.withdraw(gone))
      if (known.standing(ip, clock.now()).every(({ node }) => node === name)) jails.lift(ip)
  }
}
