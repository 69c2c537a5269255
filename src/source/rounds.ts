import type { Clock } from '../lib/clock.js'
import type { Change } from './path-watch.js'

export interface RoundsOptions {
  clock: Clock
  /** Comes before the first round. */
  prepare(): Promise<void>
  round(change: Change): Promise<void>
  /** After the last round, when the work was stopped. */
  onStopped(): void
}

/** How long `settled` waits for a call that hangs on a dead network file system. */
const patienceMs = 2000

/**
 * Does rounds of work, one at a time: a wake-up during a round makes another follow. NOTE: a round that rejects is a mistake of
 * ours or of a listener; nobody catches it, so it ends the process.
 */
export class Rounds {
  readonly #options: RoundsOptions
  #due: Change | undefined = 'name'
  #running: Promise<void> | undefined
  #isStopped = false

  constructor(options: RoundsOptions) {
    this.#options = options
    this.#running = this.#begin()
  }

  get isStopped(): boolean {
    return this.#isStopped
  }

  wake(change: Change): void {
    if (this.#isStopped) return
    // A round for a change of name looks at the content, too.
    if (change === 'name' || this.#due === undefined) this.#due = change
    this.#running ??= this.#run()
  }

  /** Resolves when no round is running or due, or after some patience. */
  async settled(): Promise<void> {
    if (this.#running === undefined) return
    let cancel = () => {}
    const patience = new Promise<void>((resolve) => {
      cancel = this.#options.clock.after(patienceMs, resolve)
    })
    await Promise.race([this.#running, patience])
    cancel()
  }

  /** No round begins any more. One that hangs in a call still uses its files, so `onStopped` waits for it. */
  stop(): void {
    if (this.#isStopped) return
    this.#isStopped = true
    if (this.#running === undefined) this.#options.onStopped()
  }

  async #begin(): Promise<void> {
    await this.#options.prepare()
    await this.#run()
  }

  async #run(): Promise<void> {
    try {
      while (this.#due !== undefined && !this.#isStopped) {
        const change = this.#due
        this.#due = undefined
        await this.#options.round(change)
      }
    } finally {
      this.#running = undefined
      if (this.#isStopped) this.#options.onStopped()
    }
  }
}
