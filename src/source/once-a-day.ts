import type { Clock } from '../lib/clock.js'

const dayMs = 24 * 60 * 60 * 1000

/** Says yes at most once in 24 hours for each subject. */
export class OnceADay {
  readonly #clock: Clock
  readonly #saidMs = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  isDue(subject: string): boolean {
    const nowMs = this.#clock.now()
    const saidMs = this.#saidMs.get(subject)
    if (saidMs !== undefined && nowMs - saidMs < dayMs) return false
    this.#saidMs.set(subject, nowMs)
    return true
  }
}
