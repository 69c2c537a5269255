/** How many may wait when nothing else is said. */
const waitingMax = 100
/** Characters of log text that wait with them; a ban may bring a megabyte. One item alone may be longer. */
const textLengthMax = 1 << 24

export interface OutboxOptions<T> {
  /** Hands over one; rejects with a sentence when it could not. Ends soon after the signal. */
  deliver(item: T, signal: AbortSignal): Promise<void>
  /** Told when one could not be handed over. */
  failed(item: T, error: unknown): void
  /** Told once the box has room again: how many were never tried. */
  dropped(count: number): void
  waitingMax?: number
  /** Characters of log text that an item keeps in memory. Missing: so few that they need no bound. */
  textLength?(item: T): number
}

/** Hands over one after another, in the background. */
export class Outbox<T> {
  readonly #options: OutboxOptions<T>
  readonly #waiting: { item: T; textLength: number }[] = []
  readonly #stop = new AbortController()
  #working: Promise<void> | undefined
  #isClosed = false
  #dropped = 0
  #textLength = 0

  constructor(options: OutboxOptions<T>) {
    this.#options = options
  }

  put(item: T): void {
    if (this.#isClosed) return
    const textLength = this.#options.textLength?.(item) ?? 0
    // Full: the newest is dropped and counted. What waits was told first, and the count says how many more there were.
    if (this.#isFull(textLength)) {
      this.#dropped++
      return
    }
    this.#textLength += textLength
    this.#waiting.push({ item, textLength })
    this.#working ??= this.#work()
  }

  /** Resolves when everything so far was tried. */
  async settled(): Promise<void> {
    await this.#working
  }

  /** Takes nothing more; what waits is still handed over until the signal comes. */
  async close(deadline: AbortSignal): Promise<void> {
    this.#isClosed = true
    const stop = () => this.#stop.abort()
    deadline.addEventListener('abort', stop, { once: true })
    if (deadline.aborted) stop()
    await this.#working
    deadline.removeEventListener('abort', stop)
  }

  #isFull(textLength: number): boolean {
    const count = this.#waiting.length
    if (count >= (this.#options.waitingMax ?? waitingMax)) return true
    return count > 0 && this.#textLength + textLength > textLengthMax
  }

  async #work(): Promise<void> {
    // Not before the caller has put everything: a burst is seen whole.
    await Promise.resolve()
    for (let item = this.#next(); item !== undefined; item = this.#next()) {
      try {
        await this.#options.deliver(item, this.#stop.signal)
      } catch (error) {
        this.#options.failed(item, error)
      }
    }
    this.#working = undefined
    const count = this.#dropped
    this.#dropped = 0
    if (count > 0) this.#options.dropped(count)
  }

  #next(): T | undefined {
    if (this.#stop.signal.aborted) {
      this.#dropped += this.#waiting.length
      this.#waiting.length = 0
    }
    const next = this.#waiting.shift()
    this.#textLength -= next?.textLength ?? 0
    return next?.item
  }
}
