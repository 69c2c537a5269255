import type { Clock } from '../lib/clock.js'

/** For tests: time goes on when it is told to. */
export class TurnedClock implements Clock {
  #nowMs = Date.UTC(2026, 10, 21, 6, 46, 11)
  #tasks: { atMs: number; task: () => void }[] = []

  now(): number {
    return this.#nowMs
  }

  after(delayMs: number, task: () => void): () => void {
    const entry = { atMs: this.#nowMs + delayMs, task }
    this.#tasks.push(entry)
    return () => {
      this.#tasks = this.#tasks.filter((one) => one !== entry)
    }
  }

  turn(ms: number): void {
    this.#nowMs += ms
    for (;;) {
      const due = this.#tasks.find(({ atMs }) => atMs <= this.#nowMs)
      if (due === undefined) return
      this.#tasks = this.#tasks.filter((one) => one !== due)
      due.task()
    }
  }
}
