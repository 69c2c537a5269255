import type { Clock } from '../lib/clock.js'

interface Entry<T> {
  atMs: number
  item: T
}

/**
 * Calls back for each item when its time has come: one timer for all, a binary heap by time. An item whose end has moved is
 * simply added again; the owner tells stale calls by looking at the item.
 */
export class Expiry<T> {
  readonly #clock: Clock
  readonly #onDue: (items: T[]) => void
  readonly #heap: Entry<T>[] = []
  #cancel: (() => void) | undefined
  #armedForMs = Number.POSITIVE_INFINITY

  constructor(clock: Clock, onDue: (items: T[]) => void) {
    this.#clock = clock
    this.#onDue = onDue
  }

  add(item: T, atMs: number): void {
    this.#heap.push({ atMs, item })
    this.#siftUp(this.#heap.length - 1)
    if (atMs < this.#armedForMs) this.#arm()
  }

  close(): void {
    this.#cancel?.()
    this.#heap.length = 0
  }

  #arm(): void {
    this.#cancel?.()
    const first = this.#heap[0]
    this.#armedForMs = first?.atMs ?? Number.POSITIVE_INFINITY
    this.#cancel = first && this.#clock.after(first.atMs - this.#clock.now(), () => this.#fire())
  }

  #fire(): void {
    const nowMs = this.#clock.now()
    const due: T[] = []
    for (let first = this.#heap[0]; first !== undefined && first.atMs <= nowMs; first = this.#heap[0]) {
      due.push(first.item)
      this.#removeFirst()
    }
    this.#arm()
    if (due.length > 0) this.#onDue(due)
  }

  #removeFirst(): void {
    const last = this.#heap.pop()
    if (last === undefined || this.#heap.length === 0) return
    this.#heap[0] = last
    this.#siftDown(0)
  }

  #siftUp(start: number): void {
    for (let i = start; i > 0; ) {
      const parent = (i - 1) >> 1
      if (this.#at(parent) <= this.#at(i)) return
      this.#swap(i, parent)
      i = parent
    }
  }

  #siftDown(start: number): void {
    for (let i = start; ; ) {
      const left = 2 * i + 1
      const least = this.#at(left + 1) < this.#at(left) ? left + 1 : left
      if (this.#at(i) <= this.#at(least)) return
      this.#swap(i, least)
      i = least
    }
  }

  #at(index: number): number {
    return this.#heap[index]?.atMs ?? Number.POSITIVE_INFINITY
  }

  #swap(a: number, b: number): void {
    const [x, y] = [this.#heap[a], this.#heap[b]]
    if (x === undefined || y === undefined) return
    this.#heap[a] = y
    this.#heap[b] = x
  }
}
