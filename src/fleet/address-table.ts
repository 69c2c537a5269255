import { SlotTable } from '../lib/slot-table.js'
import type { AddressKey } from './address-key.js'

/** Which row, of whoever keeps columns, is whose: a row for each address. 12 to 20 bytes for an IPv4 address, where a Map has 30 to 60. */
export class AddressTable {
  readonly #slots = new SlotTable()
  /** IPv4 addresses, by row. */
  #addresses = new Int32Array(64)
  /** All others, by row. */
  readonly #texts = new Map<number, string>()
  readonly #rowsOfTexts = new Map<string, number>()
  /** What was asked for last: whoever judges a word asks for its address again and again. */
  #lastKey: AddressKey | undefined
  #lastRow = -1

  get size(): number {
    return this.#slots.size + this.#texts.size
  }

  /** -1: none. */
  find(key: AddressKey): number {
    if (key !== this.#lastKey) {
      const row = typeof key === 'number' ? this.#slots.find(key, this.#addresses) : this.#rowsOfTexts.get(key)
      this.#lastRow = row ?? -1
      this.#lastKey = key
    }
    return this.#lastRow
  }

  /** NOTE: neither may be there yet. */
  add(key: AddressKey, row: number): void {
    if (typeof key === 'number') {
      if (row >= this.#addresses.length) this.#grow(row)
      this.#addresses[row] = key
      this.#slots.add(row, this.#addresses)
    } else {
      this.#texts.set(row, key)
      this.#rowsOfTexts.set(key, row)
    }
    this.#lastKey = key
    this.#lastRow = row
  }

  /** NOTE: it must be there. */
  delete(row: number): void {
    const text = this.#texts.get(row)
    if (text === undefined) this.#slots.delete(row, this.#addresses)
    else {
      this.#texts.delete(row)
      this.#rowsOfTexts.delete(text)
    }
    this.#lastKey = undefined
    this.#lastRow = -1
  }

  /** Of a row that is there. */
  keyOf(row: number): AddressKey {
    return this.#texts.get(row) ?? this.#addresses[row] ?? 0
  }

  #grow(row: number): void {
    const addresses = new Int32Array(row + (row >> 1))
    addresses.set(this.#addresses)
    this.#addresses = addresses
  }
}
