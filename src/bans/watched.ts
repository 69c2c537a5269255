import type { Clock } from '../lib/clock.js'
import type { Guarded, GuardSource } from './guarded.js'

export interface WatchedOptions {
  clock: Clock
  /** Looked at again after this time, when somebody asks. */
  maxAgeMs: number
  look(): readonly Guarded[]
}

/** A look that takes long is not repeated before this many times its duration: 2 % of one processor at most. */
const restFactor = 50

/** Something outside that changes without telling us. Gives the same array as long as it is the same. */
export class Watched implements GuardSource {
  readonly #options: WatchedOptions
  #known: readonly Guarded[] = []
  #seenMs = Number.NEGATIVE_INFINITY
  #nextMs = Number.NEGATIVE_INFINITY

  constructor(options: WatchedOptions) {
    this.#options = options
  }

  list(): readonly Guarded[] {
    const { clock, maxAgeMs, look } = this.#options
    const beganMs = clock.now()
    // Before the look: the clock was set back since.
    if (this.#seenMs <= beganMs && beganMs < this.#nextMs) return this.#known
    const seen = look()
    const endedMs = clock.now()
    this.#seenMs = endedMs
    this.#nextMs = endedMs + Math.max(maxAgeMs, restFactor * (endedMs - beganMs))
    if (!isSame(seen, this.#known)) this.#known = seen
    return this.#known
  }

  /** Looks again the next time. */
  forget(): void {
    this.#nextMs = Number.NEGATIVE_INFINITY
  }
}

function isSame(a: readonly Guarded[], b: readonly Guarded[]): boolean {
  return a.length === b.length && a.every(({ ip, reason }, i) => ip.text === b[i]?.ip.text && reason === b[i]?.reason)
}
