import type { Clock } from '../lib/clock.js'
import { count, type JailCounts, type Notification } from './notification.js'

export interface FloodGuardOptions {
  clock: Clock
  tell(notification: Notification): void
  /** So many messages a window; then one summary at its end. */
  messagesMax?: number
  windowMs?: number
}

/**
 * Lets the first messages of a window pass and counts the rest by jail; at the window's end one summary says how many there were. States:
 * quiet (no window), open (some passed), flooded (counting).
 */
export class FloodGuard {
  readonly #options: FloodGuardOptions
  #passed = 0
  #sinceMs = 0
  #counts = new Map<string, JailCounts>()
  #cancel: (() => void) | undefined

  constructor(options: FloodGuardOptions) {
    this.#options = options
  }

  put(notification: Notification): void {
    const { clock, tell, messagesMax = 10, windowMs = 60_000 } = this.#options
    if (this.#cancel === undefined) {
      this.#sinceMs = clock.now()
      this.#cancel = clock.after(windowMs, () => this.#endWindow())
    }
    if (this.#passed < messagesMax) {
      this.#passed++
      tell(notification)
      return
    }
    // Trouble beyond the first is the same trouble; who wants it all reads the log.
    count(this.#counts, notification)
  }

  /** Tells at once what was only counted. */
  close(): void {
    this.#cancel?.()
    this.#summarize()
  }

  #endWindow(): void {
    this.#cancel = undefined
    this.#passed = 0
    if (!this.#summarize()) return
    // The summary was the first message of a new window.
    const { clock, windowMs = 60_000 } = this.#options
    this.#passed = 1
    this.#sinceMs = clock.now()
    this.#cancel = clock.after(windowMs, () => this.#endWindow())
  }

  #summarize(): boolean {
    if (this.#counts.size === 0) return false
    const counts = this.#counts
    this.#counts = new Map()
    this.#options.tell({ kind: 'summary', counts, sinceMs: this.#sinceMs, atMs: this.#options.clock.now() })
    return true
  }
}
