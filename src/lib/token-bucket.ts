/** Lets `burst` pass at once and `perMinute` on average. Pure: time is handed in; a clock that goes back gives nothing. */
export class TokenBucket {
  #tokens: number | undefined
  #atMs = Number.NEGATIVE_INFINITY

  /** Whether one more may pass now, or so many at once: all of them or none. */
  take({ perMinute, burst }: { perMinute: number; burst: number }, nowMs: number, count = 1): boolean {
    const gained = Math.max(0, nowMs - this.#atMs) * (perMinute / 60_000)
    const tokens = Math.min(burst, this.#tokens === undefined ? burst : this.#tokens + gained)
    this.#atMs = Math.max(this.#atMs, nowMs)
    this.#tokens = tokens >= count ? tokens - count : tokens
    return tokens >= count
  }
}
