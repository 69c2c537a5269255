import type { Clock } from '../../lib/clock.js'
import { keepNewest } from '../../lib/keep-newest.js'
import type { Log } from '../../lib/log.js'
import { TokenBucket } from '../../lib/token-bucket.js'

/** Full: the oldest is forgotten, and said again when it is decided again. */
const rememberedMax = 100_000
/** Lines in the log; what is beyond is counted. */
const rate = { perMinute: 60, burst: 30 }

/** Who would be banned by the words of others, while that is only simulated. */
export class WouldBan {
  readonly #clock: Clock
  readonly #log: Log
  readonly #bucket = new TokenBucket()
  /** Until when, by jail and id. */
  readonly #until = new Map<string, number>()
  #unsaid = 0

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  /** `durationMs` undefined: for good. What would be in force already is no news. */
  decided(jail: string, id: string, durationMs: number | undefined, why: string): void {
    const nowMs = this.#clock.now()
    const key = `${jail}\0${id}`
    if ((this.#until.get(key) ?? 0) > nowMs) return
    this.#until.delete(key)
    keepNewest(
      this.#until.set(key, durationMs === undefined ? Number.POSITIVE_INFINITY : nowMs + durationMs),
      rememberedMax,
    )
    if (!this.#bucket.take(rate, nowMs)) {
      this.#unsaid++
      return
    }
    const more = this.#unsaid === 0 ? '' : `, and ${this.#unsaid} others before`
    this.#unsaid = 0
    this.#log.write('NOTICE', 'fleet', `[${jail}] Would ban ${id} (${why})${more}: the mode is simulate`)
  }

  /** Nobody wants it any more. */
  lift(id: string, jail: string): void {
    this.#until.delete(`${jail}\0${id}`)
  }

  clear(): void {
    this.#until.clear()
  }

  /** How many would be banned now. */
  get count(): number {
    const nowMs = this.#clock.now()
    return [...this.#until.values()].filter((untilMs) => untilMs > nowMs).length
  }
}
