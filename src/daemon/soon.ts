import type { Clock } from '../lib/clock.js'
import { messageOf } from '../lib/error-message.js'
import type { Log } from '../lib/log.js'

export interface SoonOptions<T> {
  clock: Clock
  log: Log
  /** What fails when it fails: "how far the logs are read". */
  what: string
  save(items: T[]): void
}

/** So long things wait for company. After a crash so much is missing. */
const waitMs = 1000

/** Saves things that change all the time, gathered for a second; for each key only the newest. Told of a failure once, it tries again with the next. */
export class Soon<T> {
  readonly #options: SoonOptions<T>
  readonly #unsaved = new Map<string, T>()
  #cancel: (() => void) | undefined
  #isFailing = false

  constructor(options: SoonOptions<T>) {
    this.#options = options
  }

  /** What waits under this key. */
  get(key: string): T | undefined {
    return this.#unsaved.get(key)
  }

  put(key: string, item: T): void {
    this.#unsaved.set(key, item)
    this.#cancel ??= this.#options.clock.after(waitMs, () => {
      this.#cancel = undefined
      this.save()
    })
  }

  /** Saves now. */
  save(): void {
    this.#cancel?.()
    this.#cancel = undefined
    if (this.#unsaved.size === 0) return
    try {
      this.#options.save([...this.#unsaved.values()])
      this.#unsaved.clear()
      this.#isFailing = false
    } catch (error) {
      const { log, what } = this.#options
      if (!this.#isFailing) log.write('ERROR', 'database', `Cannot save ${what}: ${messageOf(error)}`)
      this.#isFailing = true
    }
  }
}
