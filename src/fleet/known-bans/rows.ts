import type { AddressKey } from '../address-key.js'
import { AddressTable } from '../address-table.js'

/** A word as it is kept. */
export interface Row {
  speaker: number
  kind: 'ban' | 'unban'
  seq: number
  atMs: number
  /** Infinity: permanent. */
  untilMs: number
  failures: number
  byHand: boolean
}

const failuresMax = 0xffffff

const ofHand = 1
const ofUnban = 2
const ofHead = 4

/** Words by address, in columns that grow by half: 36 bytes each, and those of the table for each address. */
export class Rows {
  /** First row of each address. It stays the same as long as there is a word of the address. */
  readonly #heads = new AddressTable()
  /** Next row of the same address plus one; 0: none. */
  #next = new Uint32Array(0)
  #speakers = new Uint32Array(0)
  #seqs = new Float64Array(0)
  #atMs = new Float64Array(0)
  #untilMs = new Float64Array(0)
  /** Failures, up to 2^24 - 1, by 256, and flags. */
  #rest = new Uint32Array(0)
  /** First free row plus one; free rows are chained by `#next`. */
  #free = 0
  #used = 0
  #count = 0

  get count(): number {
    return this.#count
  }

  /** Walks through the addresses: the first at or behind the place `from`, undefined: there is none. Whoever pauses in between may miss those that are new. */
  nextKey(from: number): { key: AddressKey; place: number } | undefined {
    for (let at = from; at < this.#used; at++)
      if (((this.#rest[at] ?? 0) & ofHead) !== 0) return { key: this.#heads.keyOf(at), place: at }
    return undefined
  }

  *keys(): Iterable<AddressKey> {
    for (let next = this.nextKey(0); next !== undefined; next = this.nextKey(next.place + 1)) yield next.key
  }

  *of(key: AddressKey): Iterable<number> {
    for (let at = this.first(key); at >= 0; at = this.after(at)) yield at
  }

  /** The same without a generator, where a million words are heard: -1 is the end. */
  first(key: AddressKey): number {
    return this.#heads.find(key)
  }

  after(at: number): number {
    return (this.#next[at] ?? 0) - 1
  }

  add(key: AddressKey, row: Row): void {
    const head = this.first(key)
    const at = this.#take()
    if (head < 0) {
      this.#heads.add(key, at)
      this.#next[at] = 0
      this.#rest[at] = ofHead
    } else {
      this.#next[at] = this.#next[head] ?? 0
      this.#next[head] = at + 1
      this.#rest[at] = 0
    }
    this.#count++
    this.set(at, row)
  }

  set(at: number, { speaker, kind, seq, atMs, untilMs, failures, byHand }: Row): void {
    this.#speakers[at] = speaker
    this.#seqs[at] = seq
    this.#atMs[at] = atMs
    this.#untilMs[at] = untilMs
    const flags = ((this.#rest[at] ?? 0) & ofHead) | (kind === 'unban' ? ofUnban : 0) | (byHand ? ofHand : 0)
    this.#rest[at] = Math.min(failures, failuresMax) * 256 + flags
  }

  get(at: number): Row {
    const rest = this.#rest[at] ?? 0
    return {
      speaker: this.speakerOf(at),
      kind: this.isBan(at) ? 'ban' : 'unban',
      seq: this.#seqs[at] ?? 0,
      atMs: this.#atMs[at] ?? 0,
      untilMs: this.untilMs(at),
      failures: rest >>> 8,
      byHand: (rest & ofHand) !== 0,
    }
  }

  speakerOf(at: number): number {
    return this.#speakers[at] ?? 0
  }

  setSpeaker(at: number, speaker: number): void {
    this.#speakers[at] = speaker
  }

  isBan(at: number): boolean {
    return ((this.#rest[at] ?? 0) & ofUnban) === 0
  }

  untilMs(at: number): number {
    return this.#untilMs[at] ?? 0
  }

  /** Removes those of the address that `isGone` says of; the others keep their order. Returns how many. */
  remove(key: AddressKey, isGone: (at: number) => boolean): number {
    const head = this.first(key)
    if (head < 0) return 0
    const before = this.#count
    for (let last = head, at = this.after(head); at >= 0; at = this.after(last)) {
      if (isGone(at)) this.#next[last] = this.#release(at)
      else last = at
    }
    if (isGone(head)) this.#removeHead(head)
    return before - this.#count
  }

  /** The next one takes its place: whoever walks through the addresses finds each of them once. */
  #removeHead(head: number): void {
    const second = this.after(head)
    if (second < 0) {
      this.#heads.delete(head)
      this.#release(head)
      return
    }
    this.set(head, this.get(second))
    this.#next[head] = this.#release(second)
  }

  /** Returns what was behind it, as `#next` has it. */
  #release(at: number): number {
    const next = this.#next[at] ?? 0
    this.#rest[at] = 0
    this.#next[at] = this.#free
    this.#free = at + 1
    this.#count--
    return next
  }

  #take(): number {
    if (this.#free !== 0) {
      const at = this.#free - 1
      this.#free = this.#next[at] ?? 0
      return at
    }
    if (this.#used === this.#next.length) this.#grow(Math.max(64, this.#used + (this.#used >> 1)))
    return this.#used++
  }

  #grow(rows: number): void {
    const grown = <T extends Uint32Array | Float64Array>(larger: T, column: T): T => {
      larger.set(column)
      return larger
    }
    this.#next = grown(new Uint32Array(rows), this.#next)
    this.#speakers = grown(new Uint32Array(rows), this.#speakers)
    this.#seqs = grown(new Float64Array(rows), this.#seqs)
    this.#atMs = grown(new Float64Array(rows), this.#atMs)
    this.#untilMs = grown(new Float64Array(rows), this.#untilMs)
    this.#rest = grown(new Uint32Array(rows), this.#rest)
  }
}
