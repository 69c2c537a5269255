import assert from 'node:assert/strict'
import { v4Number } from '../domain/address.js'
import { SlotTable } from '../lib/slot-table.js'

/** So many numbers fit a column of 16 bits. No configuration has as many jails; text from peers and logs names none. */
const jailsMax = 0xffff

/** In which slots one jail's bans are. The column of addresses is the caller's (see SlotTable). */
export class JailBans {
  readonly name: string
  /** By which a slot knows its jail; never 0. */
  readonly number: number
  /** Since the start, restored ones included. */
  total = 0
  readonly #addresses = new SlotTable()
  /** Of all ids that are no IPv4 address. */
  readonly #texts = new Map<string, number>()

  constructor(name: string, number: number) {
    this.name = name
    this.number = number
  }

  get size(): number {
    return this.#addresses.size + this.#texts.size
  }

  find(id: string, column: Int32Array): number | undefined {
    const address = v4Number(id)
    return address === undefined ? this.#texts.get(id) : this.#addresses.find(address, column)
  }

  addAddress(slot: number, column: Int32Array): void {
    this.#addresses.add(slot, column)
  }

  addText(slot: number, text: string): void {
    this.#texts.set(text, slot)
  }

  /** `text`: the id, unless it is an address. */
  delete(slot: number, text: string | undefined, column: Int32Array): void {
    if (text === undefined) this.#addresses.delete(slot, column)
    else this.#texts.delete(text)
  }
}

/** Jails that have, or had, bans. */
export class NumberedJails {
  readonly #byName = new Map<string, JailBans>()
  /** None has 0. One that was forgotten leaves its number to the next. */
  readonly #byNumber: (JailBans | undefined)[] = [undefined]

  get(name: string): JailBans | undefined {
    return this.#byName.get(name)
  }

  at(number: number): JailBans | undefined {
    return this.#byNumber[number]
  }

  names(): string[] {
    return [...this.#byName.keys()]
  }

  /** By number, whether it is one of these. */
  areMeant(isMeant: (name: string) => boolean): boolean[] {
    return this.#byNumber.map((jail) => jail !== undefined && isMeant(jail.name))
  }

  getOrMake(name: string): JailBans {
    const known = this.#byName.get(name)
    if (known !== undefined) return known
    const unused = this.#byNumber.indexOf(undefined, 1)
    const number = unused < 0 ? this.#byNumber.length : unused
    assert(number <= jailsMax, `more than ${jailsMax} jails have bans`)
    const made = new JailBans(name, number)
    this.#byName.set(name, made)
    this.#byNumber[number] = made
    return made
  }

  /** Unless it has bans. */
  forget(name: string): void {
    const jail = this.#byName.get(name)
    if (jail === undefined || jail.size > 0) return
    this.#byName.delete(name)
    this.#byNumber[jail.number] = undefined
  }
}
