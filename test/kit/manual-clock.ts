import type { Clock } from '../../src/lib/clock.js'

/** A clock that stands still until a test turns it. */
export class ManualClock implements Clock {
  #nowMs: number
  #timers: { atMs: number; task: () => void }[] = []

  constructor(nowMs = Date.UTC(2026, 10, 21, 12, 0, 0)) {
    this.#nowMs = nowMs
  }

  now(): number {
    return this.#nowMs
  }

  after(delayMs: number, task: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, task }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  /** Turns the clock and runs what falls due, in order. */
  turn(byMs: number): void {
    const endMs = this.#nowMs + byMs
    for (;;) {
      const next = this.#timers.filter((timer) => timer.atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0]
      if (next === undefined) break
      this.#timers = this.#timers.filter((timer) => timer !== next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.task()
    }
    this.#nowMs = endMs
  }
}
