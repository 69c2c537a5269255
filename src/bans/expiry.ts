import type { Clock } from '../lib/clock.js'

const capacityFirst = 256
/** Items handed over at once. When 100,000 end in one second, whoever is to be banned in it waits for one of these parts at most. */
const batchMax = 500
/** Not in the heap. */
const nowhere = -1

/**
 * Calls back for each item when its time has come: one timer for all, a binary heap by time. Items are small integers (slots), each in
 * the heap at most once, so a time can be changed and an item be taken out; 16 bytes an item.
 */
export class Expiry {
  readonly #clock: Clock
  readonly #onDue: (items: number[]) => void
  #heap = new Uint32Array(capacityFirst)
  #size = 0
  /** By item: its time, and its place in the heap. */
  #times = new Float64Array(capacityFirst)
  #places = new Int32Array(capacityFirst).fill(nowhere)
  #cancel: (() => void) | undefined
  #armedForMs = Number.POSITIVE_INFINITY

  constructor(clock: Clock, onDue: (items: number[]) => void) {
    this.#clock = clock
    this.#onDue = onDue
  }

  /** Calls back at this time; an earlier word on the same item is void. */
  set(item: number, atMs: number): void {
    this.#makeRoomFor(item)
    const place = this.#places[item] ?? nowhere
    const before = place === nowhere ? Number.NEGATIVE_INFINITY : this.#time(item)
    this.#times[item] = atMs
    if (place === nowhere) this.#put(this.#size++, item)
    const from = place === nowhere ? this.#size - 1 : place
    if (atMs < before || place === nowhere) this.#siftUp(from)
    else this.#siftDown(from)
    if (atMs < this.#armedForMs) this.#arm()
  }

  delete(item: number): void {
    const place = this.#places[item] ?? nowhere
    if (place === nowhere) return
    this.#places[item] = nowhere
    const last = this.#at(--this.#size)
    if (last === item) return
    this.#put(place, last)
    this.#siftUp(place)
    this.#siftDown(this.#places[last] ?? place)
  }

  close(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#size = 0
    this.#places.fill(nowhere)
  }

  #arm(): void {
    this.#cancel?.()
    this.#armedForMs = this.#size === 0 ? Number.POSITIVE_INFINITY : this.#time(this.#at(0))
    this.#cancel =
      this.#size === 0 ? undefined : this.#clock.after(this.#armedForMs - this.#clock.now(), () => this.#fire())
  }

  #fire(): void {
    const nowMs = this.#clock.now()
    const due: number[] = []
    while (this.#size > 0 && due.length < batchMax) {
      const first = this.#at(0)
      if (this.#time(first) > nowMs) break
      due.push(first)
      this.delete(first)
    }
    this.#arm()
    if (due.length > 0) this.#onDue(due)
  }

  #siftUp(start: number): void {
    for (let at = start; at > 0; ) {
      const parent = (at - 1) >> 1
      if (this.#time(this.#at(parent)) <= this.#time(this.#at(at))) return
      this.#swap(at, parent)
      at = parent
    }
  }

  #siftDown(start: number): void {
    for (let at = start; ; ) {
      const left = 2 * at + 1
      if (left >= this.#size) return
      const right = left + 1
      const isRight = right < this.#size && this.#time(this.#at(right)) < this.#time(this.#at(left))
      const least = isRight ? right : left
      if (this.#time(this.#at(at)) <= this.#time(this.#at(least))) return
      this.#swap(at, least)
      at = least
    }
  }

  #swap(a: number, b: number): void {
    const [x, y] = [this.#at(a), this.#at(b)]
    this.#put(a, y)
    this.#put(b, x)
  }

  #put(place: number, item: number): void {
    this.#heap[place] = item
    this.#places[item] = place
  }

  #at(place: number): number {
    return this.#heap[place] ?? 0
  }

  #time(item: number): number {
    return this.#times[item] ?? Number.POSITIVE_INFINITY
  }

  #makeRoomFor(item: number): void {
    if (item < this.#times.length) return
    const capacity = Math.ceil(Math.max(item + 1, this.#times.length * 1.5))
    const { length } = this.#places
    const [heap, times, places] = [this.#heap, this.#times, this.#places]
    this.#heap = new Uint32Array(capacity)
    this.#heap.set(heap)
    this.#times = new Float64Array(capacity)
    this.#times.set(times)
    this.#places = new Int32Array(capacity).fill(nowhere, length)
    this.#places.set(places)
  }
}
