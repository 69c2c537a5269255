import type { Ban } from '../domain/ban.js'
import type { Failure } from '../domain/failure.js'
import type { Jail, Judgement } from './jail.js'

export interface RecidiveOptions {
  /** The jail that counts bans as failures. */
  jail: string
  /** Jails whose bans it does not count, besides its own. */
  ignorejails: readonly string[]
}

/** A jail's word for a ban. */
export type Verdict = Extract<Judgement, { kind: 'ban' }>

/** What has to be known of a ban to count it. */
export type CountedBan = Pick<Ban, 'jail' | 'id' | 'startMs' | 'origin' | 'failures'>

/**
 * The source of a jail with `backend = bans`: what this machine's jails ban is what fails there. Counted is a ban that a jail has found out by
 * itself, once, when it begins: not its own bans (one would keep itself alive for ever), not a ban by hand (an operator who bans, looks,
 * and unbans five times has not met five offences), not one restored at a start, not one prolonged, and not a network's ban that only
 * sums up those of its members (`subnet_escalate`; such a ban has no failures of its own).
 */
export class Recidive {
  readonly #ignored: ReadonlySet<string>
  readonly #jail: string

  constructor({ jail, ignorejails }: RecidiveOptions) {
    this.#jail = jail
    this.#ignored = new Set([...ignorejails, jail])
  }

  /** What the jail has to count for this ban. */
  offer(ban: CountedBan): Failure | undefined {
    const { jail, id, startMs, origin, failures } = ban
    if (this.#ignored.has(jail) || origin.kind !== 'jail' || failures === 0) return undefined
    return { id, timeMs: startMs, lines: [`[${jail}] Ban ${id}`], data: { jail } }
  }

  /**
   * Counts an earlier run's bans into the jail, oldest first, as if they began now. Whom the jail bans for it is in `overdue`, until a ban
   * of its own is found that has answered it.
   */
  replay(bans: Iterable<CountedBan>, jail: Pick<Jail, 'judge' | 'forgive'>, overdue: Map<string, Verdict>): void {
    for (const ban of bans) {
      if (ban.jail === this.#jail) {
        jail.forgive(ban.id)
        overdue.delete(ban.id)
      }
      const failure = this.offer(ban)
      const judgement = failure && jail.judge(failure, ban.startMs)
      if (judgement?.kind === 'ban') overdue.set(judgement.ban.id, judgement)
    }
  }
}
