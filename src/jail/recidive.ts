import type { Ban } from '../domain/ban.js'
import type { Failure } from '../domain/failure.js'

export interface RecidiveOptions {
  /** The jail that counts bans as failures. */
  jail: string
  /** Jails whose bans it does not count, besides its own. */
  ignorejails: readonly string[]
}

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
   * What counts of an earlier run's bans, oldest first: those that are on record since the find time began and that no ban of this jail
   * has answered yet. Memory: one entry for each id among them.
   */
  *replay(bans: Iterable<CountedBan>): IterableIterator<Failure> {
    const open = new Map<string, Failure[]>()
    for (const ban of bans) {
      if (ban.jail === this.#jail) open.delete(ban.id)
      const failure = this.offer(ban)
      if (failure === undefined) continue
      const earlier = open.get(ban.id)
      if (earlier === undefined) open.set(ban.id, [failure])
      else earlier.push(failure)
    }
    for (const failures of open.values()) yield* failures
  }
}
