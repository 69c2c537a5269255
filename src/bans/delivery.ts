import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../lib/clock.js'
import { messageOf } from '../lib/error-message.js'

export interface DeliveryOptions<T> {
  clock: Clock
  /** Hands one batch over; all of it, or it throws. */
  deliver(batch: T[]): Promise<void> | void
  onDelivered(batch: T[]): void
  /** First failure of a row of failures. */
  onTrouble(error: unknown, waiting: number): void
  /** First success after trouble. */
  onRecovered(): void
  batchMax: number
  /** Items that go before the others; they keep their order among themselves. Missing: all are equal. */
  isUrgent?(item: T): boolean
  /** What was held goes in the order of its keys, where that is quicker than the order in which it was put. */
  sortsHeld?: boolean
}

const retryFirstMs = 500
const retryMaxMs = 15_000

/**
 * Brings items to somebody who may fail (the kernel, the disk): in batches, in order, retried with growing pauses until it works.
 * One item that can never be delivered does not hold up the others: after a failure items go one by one, and the one that fails
 * goes to the end of the row. For each key only the newest item is kept, so what waits is bounded by the number of keys, and a ban that was lifted meanwhile
 * is never put back.
 */
export class Delivery<T> {
  readonly #options: DeliveryOptions<T>
  readonly #urgent = new Map<string, T>()
  readonly #others = new Map<string, T>()
  #running: Promise<void> | undefined
  #retryMs = 0
  #cancelRetry: (() => void) | undefined
  #trouble: string | undefined
  #failures = 0
  #batchSize: number
  /** As long as there is one, only what is urgent is delivered. */
  readonly #holds = new Set<object>()

  constructor(options: DeliveryOptions<T>) {
    this.#options = options
    this.#batchSize = options.batchMax
  }

  put(key: string, item: T): void {
    this.drop(key)
    this.#enqueue(key, item)
    this.#wake()
  }

  /** Until the returned function is called, only what is urgent is delivered. */
  hold(): () => void {
    const hold = {}
    this.#holds.add(hold)
    return () => {
      if (!this.#holds.delete(hold)) return
      if (this.#holds.size === 0 && this.#options.sortsHeld === true) this.#sort()
      this.#wake()
    }
  }

  /** What waits under this key is not delivered any more. */
  drop(key: string): void {
    this.#urgent.delete(key)
    this.#others.delete(key)
  }

  /** Resolves when everything put so far has been delivered or has failed once, but for what is held. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  /** Tries now what waits for a retry, or is held; used before an orderly end. */
  async retryNow(): Promise<void> {
    this.#holds.clear()
    this.#cancelRetry?.()
    this.#cancelRetry = undefined
    if (this.#running === undefined && this.#size > 0) this.#running = this.#run()
    await this.settled()
  }

  /** Whether nothing waits, held or not. */
  get isEmpty(): boolean {
    return this.#size === 0
  }

  /** Why the last attempt failed; undefined when all is well. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  /** Attempts that have failed since the start. */
  get failures(): number {
    return this.#failures
  }

  close(): void {
    this.#cancelRetry?.()
    this.#cancelRetry = undefined
    this.#urgent.clear()
    this.#others.clear()
  }

  #wake(): void {
    if (this.#running === undefined && this.#cancelRetry === undefined) this.#running = this.#run()
  }

  #sort(): void {
    const held = [...this.#others].sort(([a], [b]) => (a < b ? -1 : 1))
    this.#others.clear()
    for (const [key, item] of held) this.#others.set(key, item)
  }

  /** What may be delivered now. */
  get #due(): number {
    return this.#urgent.size + (this.#holds.size > 0 ? 0 : this.#others.size)
  }

  get #size(): number {
    return this.#urgent.size + this.#others.size
  }

  #get(key: string): T | undefined {
    return this.#urgent.get(key) ?? this.#others.get(key)
  }

  #enqueue(key: string, item: T): void {
    const queue = this.#options.isUrgent?.(item) === true ? this.#urgent : this.#others
    queue.set(key, item)
  }

  #batch(): [string, T][] {
    const urgent = [...take(this.#urgent, this.#batchSize)]
    return urgent.length > 0 ? urgent : [...take(this.#others, this.#batchSize)]
  }

  async #run(): Promise<void> {
    // Everything that this turn of the event loop still decides goes into the same batch.
    await Promise.resolve()
    try {
      for (let failures = 0; this.#due > 0; ) {
        const batch = this.#batch()
        const error = await this.#attempt(batch)
        if (error === undefined) {
          this.#delivered(batch)
          failures = 0
          // A full batch holds the event loop for some milliseconds: others come first now.
          if (batch.length === this.#options.batchMax) await setImmediate()
          this.#batchSize = Math.min(this.#options.batchMax, this.#batchSize * 2)
        } else {
          this.#batchSize = 1
          if (batch.length > 1) continue
          this.#postpone(batch)
          // Two different ones in a row: it is not the item.
          if (++failures >= Math.min(2, this.#size)) return this.#waitAfter(error)
        }
      }
    } finally {
      this.#running = undefined
    }
  }

  async #attempt(batch: [string, T][]): Promise<unknown> {
    try {
      await this.#options.deliver(batch.map(([, item]) => item))
      return undefined
    } catch (error) {
      this.#failures++
      return error ?? new Error('delivery failed without saying why')
    }
  }

  #delivered(batch: [string, T][]): void {
    for (const [key, item] of batch) if (this.#get(key) === item) this.drop(key)
    if (this.#trouble !== undefined) {
      this.#trouble = undefined
      this.#options.onRecovered()
    }
    this.#retryMs = 0
    this.#options.onDelivered(batch.map(([, item]) => item))
  }

  #postpone(batch: [string, T][]): void {
    for (const [key, item] of batch) {
      if (this.#get(key) !== item) continue
      this.drop(key)
      // Behind all others, urgent or not.
      this.#others.set(key, item)
    }
  }

  #waitAfter(error: unknown): void {
    const isFirst = this.#trouble === undefined
    this.#trouble = messageOf(error)
    if (isFirst) this.#options.onTrouble(error, this.#size)
    this.#retryMs = Math.min(retryMaxMs, this.#retryMs === 0 ? retryFirstMs : this.#retryMs * 2)
    this.#cancelRetry = this.#options.clock.after(this.#retryMs, () => {
      this.#cancelRetry = undefined
      this.#running ??= this.#run()
    })
  }
}

function* take<K, V>(map: Map<K, V>, count: number): IterableIterator<[K, V]> {
  let left = count
  for (const entry of map) {
    if (left-- === 0) return
    yield entry
  }
}
