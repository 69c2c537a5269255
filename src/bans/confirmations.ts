import type { Clock } from '../lib/clock.js'
import type { Log } from '../lib/log.js'

/** A ban by hand that ends soon unless it is confirmed. */
export interface Trial {
  jail: string
  id: string
  /** How long it is to last once it is confirmed, counted from then; undefined: for good. */
  durationMs: number | undefined
  /** In spite of a protection. */
  force: boolean
  /** It was banned before, and stays so as long as it was. */
  wasBanned: boolean
}

export interface WaitingTrial extends Trial {
  /** By which it can be confirmed, besides its address. */
  number: number
  /** Epoch milliseconds. */
  untilMs: number
}

/** Full: no further ban can be on trial, which is answered as a refusal. */
const trialsMax = 1000

/**
 * Bans on trial. The ban itself has been made to end with its trial, in the kernel and in the store: whatever becomes of us, without a word
 * from the operator it is undone. All that is remembered here is what he had wanted.
 */
export class Confirmations {
  readonly #clock: Clock
  readonly #log: Log
  readonly #waiting = new Map<number, { trial: WaitingTrial; cancel: () => void }>()
  #numberLast = 0

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  get isFull(): boolean {
    return this.#waiting.size >= trialsMax
  }

  /** From now on it waits for its confirmation; an earlier trial of the same ban is over. */
  begin(trial: Trial, windowMs: number): WaitingTrial {
    for (const { number } of this.#find((one) => one.id === trial.id && one.jail === trial.jail)) this.#end(number)
    const number = ++this.#numberLast
    const waiting = { ...trial, number, untilMs: this.#clock.now() + windowMs }
    const cancel = this.#clock.after(windowMs, () => {
      this.#waiting.delete(number)
      const outcome = trial.wasBanned ? 'its ban stays as it was before' : 'its ban is undone'
      this.#log.write('NOTICE', 'actions', `[${trial.jail}] ${trial.id} was not confirmed: ${outcome}`)
    })
    this.#waiting.set(number, { trial: waiting, cancel })
    return waiting
  }

  /** Those that this word means, an address or network in canonical form or a number; they wait no more. */
  take(word: string): WaitingTrial[] {
    const found = this.#find(({ id, number }) => id === word || `${number}` === word)
    for (const { number } of found) this.#end(number)
    return found
  }

  waiting(): WaitingTrial[] {
    return this.#find(() => true)
  }

  close(): void {
    for (const number of [...this.#waiting.keys()]) this.#end(number)
  }

  #find(isMeant: (trial: WaitingTrial) => boolean): WaitingTrial[] {
    return [...this.#waiting.values()].map(({ trial }) => trial).filter(isMeant)
  }

  #end(number: number): void {
    this.#waiting.get(number)?.cancel()
    this.#waiting.delete(number)
  }
}
