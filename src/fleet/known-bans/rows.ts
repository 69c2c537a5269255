import type { AddressKey } from '../address-key.js'

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

/** Words by address, in columns that grow by half: 36 bytes each, and those of the map for each address. */
export class Rows {
  /** First row of each address. */
  readonly #heads = new Map<AddressKey, number>()
  /** Of the address that was asked for last: whoever judges a word asks for it again and again. */
  #lastKey: AddressKey | undefined
  #lastHead = -1
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

  keys(): MapIterator<AddressKey> {
    return this.#heads.keys()
  }

  *of(key: AddressKey): Iterable<number> {
    for (let at = this.first(key); at >= 0; at = this.after(at)) yield at
  }

  /** The same without a generator, where a million words are heard: -1 is the end. */
  first(key: AddressKey): number {
    if (key !== this.#lastKey) {
      this.#lastHead = this.#heads.get(key) ?? -1
      this.#lastKey = key
    }
    return this.#lastHead
  }

  after(at: number): number {
    return (this.#next[at] ?? 0) - 1
  }

  add(key: AddressKey, row: Row): void {
    const at = this.#take()
    this.#next[at] = this.first(key) + 1
    this.#setHead(key, at)
    this.#count++
    this.set(at, row)
  }

  set(at: number, { speaker, kind, seq, atMs, untilMs, failures, byHand }: Row): void {
    this.#speakers[at] = speaker
    this.#seqs[at] = seq
    this.#atMs[at] = atMs
    this.#untilMs[at] = untilMs
    this.#rest[at] = Math.min(failures, failuresMax) * 256 + (kind === 'unban' ? 2 : 0) + (byHand ? 1 : 0)
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
      byHand: (rest & 1) === 1,
    }
  }

  speakerOf(at: number): number {
    return this.#speakers[at] ?? 0
  }

  setSpeaker(at: number, speaker: number): void {
    this.#speakers[at] = speaker
  }

  isBan(at: number): boolean {
    return ((this.#rest[at] ?? 0) & 2) === 0
  }

  untilMs(at: number): number {
    return this.#untilMs[at] ?? 0
  }

  /** Removes those of the address that `isGone` says of; the others keep their place. Returns how many. */
  remove(key: AddressKey, isGone: (at: number) => boolean): number {
    const before = this.#count
    let last = -1
    for (const at of [...this.of(key)]) {
      if (!isGone(at)) {
        last = at
        continue
      }
      const next = this.#next[at] ?? 0
      if (last >= 0) this.#next[last] = next
      else this.#setHead(key, next - 1)
      this.#next[at] = this.#free
      this.#free = at + 1
      this.#count--
    }
    return before - this.#count
  }

  #setHead(key: AddressKey, at: number): void {
    if (at < 0) this.#heads.delete(key)
    else this.#heads.set(key, at)
    this.#lastKey = key
    this.#lastHead = at
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
