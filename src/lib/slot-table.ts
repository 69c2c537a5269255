import { randomInt } from 'node:crypto'

const placesFirst = 16

/**
 * Finds slots by the IPv4 address that stands there. A hash table with open addressing: 8 to 16 bytes an address, where a Map has 30 to 60,
 * is four times as slow to ask among a million, and is looked through whenever garbage is collected. The column of addresses is the
 * caller's: it is handed in with every call, for it may grow in between.
 */
export class SlotTable {
  /** Nobody can choose addresses that meet in one place. */
  readonly #seed: number
  /** Slot + 1; 0: free. At least half of them are. */
  #places = new Uint32Array(placesFirst)
  #size = 0

  constructor(seed = randomInt(2 ** 32)) {
    this.#seed = seed
  }

  get size(): number {
    return this.#size
  }

  find(address: number, column: Int32Array): number | undefined {
    const mask = this.#places.length - 1
    for (let place = this.#hash(address) & mask; ; place = (place + 1) & mask) {
      const slot = (this.#places[place] ?? 0) - 1
      if (slot < 0) return undefined
      if (column[slot] === address) return slot
    }
  }

  /** NOTE: its address must not be there yet. */
  add(slot: number, column: Int32Array): void {
    if (++this.#size * 2 > this.#places.length) this.#grow(column)
    this.#put(slot, column)
  }

  delete(slot: number, column: Int32Array): void {
    const mask = this.#places.length - 1
    let free = this.#home(slot, column, mask)
    while (this.#places[free] !== slot + 1) {
      if (this.#places[free] === 0) return
      free = (free + 1) & mask
    }
    this.#size--
    // Who stands behind it would not be found across a gap: whoever may moves up.
    for (let place = (free + 1) & mask; ; place = (place + 1) & mask) {
      const other = (this.#places[place] ?? 0) - 1
      if (other < 0) break
      const home = this.#home(other, column, mask)
      if (((place - home) & mask) < ((place - free) & mask)) continue
      this.#places[free] = other + 1
      free = place
    }
    this.#places[free] = 0
  }

  #put(slot: number, column: Int32Array): void {
    const mask = this.#places.length - 1
    let place = this.#home(slot, column, mask)
    while (this.#places[place] !== 0) place = (place + 1) & mask
    this.#places[place] = slot + 1
  }

  #grow(column: Int32Array): void {
    const before = this.#places
    this.#places = new Uint32Array(before.length * 2)
    for (const entry of before) if (entry > 0) this.#put(entry - 1, column)
  }

  #home(slot: number, column: Int32Array, mask: number): number {
    return this.#hash(column[slot] ?? 0) & mask
  }

  /** The finalizer of MurmurHash3, which is in the public domain: every bit of the address changes half of the bits. */
  #hash(address: number): number {
    let hash = address ^ this.#seed
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    return hash ^ (hash >>> 16)
  }
}
