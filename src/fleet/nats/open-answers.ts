import { randomBytes } from 'node:crypto'
import type { Clock } from '../../lib/clock.js'

/**
 * Answers to what everybody hears: each hearer is shown where they go, so that place is as short as it can be. Nobody else may listen
 * there, but who has seen it could answer in the broker's place (fleet-research B.9): not for anything that is believed for its answer.
 */
export class OpenAnswers<Arrived extends { subject: string }> {
  /** Where to listen. */
  readonly pattern: string
  readonly #prefix: string
  readonly #clock: Clock
  readonly #waiting = new Map<string, (arrived: Arrived) => void>()

  constructor(prefix: string, clock: Clock) {
    this.#prefix = prefix
    this.#clock = clock
    this.pattern = `${prefix}.*`
  }

  /** `ask` is told where the answer goes. Rejects with what it throws, or after `timeoutMs`. */
  expect(ask: (reply: string) => void, timeoutMs: number): Promise<Arrived> {
    const subject = this.#freeSubject()
    return new Promise((resolve, reject) => {
      // Who cannot ask waits for nothing.
      ask(subject)
      const cancel = this.#clock.after(timeoutMs, () => {
        this.#waiting.delete(subject)
        reject(new Error(`The broker has not answered within ${timeoutMs} ms`))
      })
      this.#waiting.set(subject, (arrived) => {
        this.#waiting.delete(subject)
        cancel()
        resolve(arrived)
      })
    })
  }

  /** What nobody waits for is left alone: it is late, forged, or for another process with our key. */
  onArrived(arrived: Arrived): void {
    this.#waiting.get(arrived.subject)?.(arrived)
  }

  /** NOTE: by chance, not counted: nobody is to answer before he has seen it. */
  #freeSubject(): string {
    for (;;) {
      const subject = `${this.#prefix}.${randomBytes(tokenBytes).toString('base64url')}`
      if (!this.#waiting.has(subject)) return subject
    }
  }
}

/** Four characters. Waited for at once are at most a hundred or so (nats/transport). */
const tokenBytes = 3
