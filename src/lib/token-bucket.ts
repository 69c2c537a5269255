/** Lets `burst` pass at once and `perMinute` on average. Pure: time is handed in; a clock that goes back gives nothing. */
export class TokenBucket {
  #tokens: number | undefined
  #atMs = Number.NEGATIVE_INFINITY

  /** Whether one more may pass now. */
  take({ perMinute, burst }: { perMinute: number; burst: number }, nowMs: number): boolean {
    const gained = Math.max(0, nowMs - this.#atMs) * (perMinute / 60_000)
    const tokens = Math.min(burst, this.#tokens === undefined ? burst : this.#tokens + gained)
    this.#atMs = Math.max(this.#atMs, nowMs)
    this.#tokens = tokens >= 1 ? tokens - 1 : tokens
    return tokens >= 1
  }
}
