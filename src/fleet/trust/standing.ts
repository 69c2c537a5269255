import { TokenBucket } from '../../lib/token-bucket.js'

/** Why a member's words are without effect for the time being. */
export type QuarantineCause =
  /** More new bans, or more of anything else, than it may tell. */
  | 'rate'
  /** More running bans than it may have. */
  | 'population'
  /** It goes on asking for what nobody may ban. */
  | 'harmful'
  /** It has banned those that are there to see who bans anybody, more than once. */
  | 'canary'
  /** An operator's word. */
  | 'operator'

export interface Quarantine {
  cause: QuarantineCause
  sinceMs: number
  /** Ends then, if nothing further happens; undefined: when an operator says so. */
  untilMs: number | undefined
  /**
   * Whether what it has told before is without effect, too. Not when it is only too much: whoever can attack one node from very many
   * addresses would otherwise be let in everywhere else.
   */
  isRetroactive: boolean
}

/** After an excess, a member is heard again when it has kept within its limits for so long. */
export const calmMs = 1_800_000
/** Harmful wishes in one hour that put a member into quarantine; an operator's slip is one or two. */
export const harmMax = 10
const harmWindowMs = 3_600_000
/** A member that has banned a canary bans nobody alone for so long. */
export const mistrustMs = 86_400_000

/** How one member has behaved. States: *good*, *mistrusted* (its word counts only with others'), *quarantined*. Pure: time is handed in. */
export class Standing {
  readonly bans = new TokenBucket()
  /** Everything but new bans. */
  readonly talk = new TokenBucket()
  #quarantine: Quarantine | undefined
  #mistrustedUntilMs = Number.NEGATIVE_INFINITY
  #harm = 0
  #harmSinceMs = Number.NEGATIVE_INFINITY

  quarantine(nowMs: number): Quarantine | undefined {
    const { untilMs } = this.#quarantine ?? {}
    if (untilMs !== undefined && nowMs >= untilMs) this.#quarantine = undefined
    return this.#quarantine
  }

  isMistrusted(nowMs: number): boolean {
    return nowMs < this.#mistrustedUntilMs
  }

  /** It has told too much: it is heard again some time after it does no more. */
  exceeded(cause: 'rate' | 'population', nowMs: number): void {
    this.#confine({ cause, sinceMs: nowMs, untilMs: nowMs + calmMs, isRetroactive: false })
  }

  /** It has asked for what nobody may ban. */
  harmed(nowMs: number): void {
    if (nowMs - this.#harmSinceMs > harmWindowMs) {
      this.#harmSinceMs = nowMs
      this.#harm = 0
    }
    if (++this.#harm < harmMax) return
    this.#confine({ cause: 'harmful', sinceMs: nowMs, untilMs: undefined, isRetroactive: true })
  }

  /** It has banned a canary. The first time may be a mistake. */
  bannedCanary(nowMs: number): void {
    if (this.isMistrusted(nowMs))
      this.#confine({ cause: 'canary', sinceMs: nowMs, untilMs: undefined, isRetroactive: true })
    this.#mistrustedUntilMs = nowMs + mistrustMs
  }

  /** By an operator. */
  confine(nowMs: number): void {
    this.#confine({ cause: 'operator', sinceMs: nowMs, untilMs: undefined, isRetroactive: true })
  }

  /** By an operator: all is forgiven. */
  release(): void {
    this.#quarantine = undefined
    this.#mistrustedUntilMs = Number.NEGATIVE_INFINITY
    this.#harm = 0
  }

  /** Kept over a restart, so that a restart of ours is no pardon. */
  get kept(): KeptStanding {
    const isNever = this.#mistrustedUntilMs === Number.NEGATIVE_INFINITY
    return { quarantine: this.#quarantine, mistrustedUntilMs: isNever ? undefined : this.#mistrustedUntilMs }
  }

  restore({ quarantine, mistrustedUntilMs = Number.NEGATIVE_INFINITY }: KeptStanding): void {
    this.#quarantine = quarantine
    this.#mistrustedUntilMs = mistrustedUntilMs
  }

  /** The harder one counts; of equal ones the first, which lasts as long as the last. */
  #confine(next: Quarantine): void {
    const known = this.quarantine(next.sinceMs)
    const isHarder = known === undefined || (next.isRetroactive && !known.isRetroactive)
    if (isHarder) this.#quarantine = next
    else if (known.untilMs !== undefined) this.#quarantine = { ...known, untilMs: next.untilMs }
  }
}

export interface KeptStanding {
  /** Of the membership in which it behaved so. */
  sinceMs?: number | undefined
  quarantine?: Quarantine | undefined
  /** Missing: it is not. */
  mistrustedUntilMs?: number | undefined
}

/** Whether this is one, as it was kept. */
export function isKeptStanding(raw: unknown): raw is KeptStanding {
  if (typeof raw !== 'object' || raw === null) return false
  const { quarantine, mistrustedUntilMs, sinceMs } = raw as Record<string, unknown>
  const isTimeGood = [mistrustedUntilMs, sinceMs].every((timeMs) => timeMs === undefined || typeof timeMs === 'number')
  return isTimeGood && (quarantine === undefined || isQuarantine(quarantine))
}

function isQuarantine(raw: unknown): boolean {
  if (typeof raw !== 'object' || raw === null) return false
  const { cause, sinceMs, untilMs, isRetroactive } = raw as Record<string, unknown>
  const isEndGood = untilMs === undefined || typeof untilMs === 'number'
  return typeof cause === 'string' && typeof sinceMs === 'number' && isEndGood && typeof isRetroactive === 'boolean'
}
