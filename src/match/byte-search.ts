import { divide, keyMax } from './byte-groups.js'
import { byteSearchModule, hashOf, layout, placesMax, slackBytes } from './byte-search-code.js'
import type { Literal } from './literals.js'

/** V8 has it; the types of Node 20 leave it out. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object
  Instance: new (
    module: object,
  ) => { exports: { memory: { buffer: ArrayBuffer }; scan(from: number, end: number): number } }
  validate(bytes: Uint8Array): boolean
}

/** Text that fits into the engine's memory at once; a longer one goes in pieces. */
const textMax = 1 << 20
const pageBytes = 65_536

/** Somewhere four bytes of a literal begin. */
interface Entry {
  literal: number
  /** Where in the literal they begin. */
  offset: number
}

/**
 * Finds all places of hundreds of literals in ASCII bytes, 16 bytes at a time. Measured on an access log with 120 literals (2 shared cores): LiteralSearch 0.39 µs a line
 * of 237 bytes, this 0.06.
 */
export class ByteSearch {
  readonly #literals: readonly Literal[]
  /** What the engine needs to know, as it stands in its memory up to the list of places. */
  readonly #tables = new Uint8Array(layout.places)
  readonly #mask: number
  /** By the bytes that were found. */
  readonly #entries = new Map<number, Entry[]>()

  private constructor(literals: readonly Literal[], keyLength: number, sample: Uint8Array) {
    this.#literals = literals
    this.#mask = keyLength >= keyMax ? -1 : (1 << (8 * keyLength)) - 1
    new DataView(this.#tables.buffer).setInt32(layout.mask, this.#mask, true)
    // Bytes that do not count may be any.
    this.#tables.fill(0xff, layout.groups + 32 * keyLength, layout.groups + 32 * keyMax)
    for (const { literal, offset, group } of divide(literals, keyLength, sample)) {
      for (const key of keysOf(literals[literal]?.slice(offset, offset + keyLength) ?? nothing))
        this.#add(key, { literal, offset }, 1 << group, keyLength)
    }
  }

  /** Undefined: this machine's V8 cannot do it, or a literal is too short. `sample`: of the text, to know what is rare in it. */
  static of(literals: readonly Literal[], sample: Uint8Array): ByteSearch | undefined {
    const keyLength = Math.min(keyMax, ...literals.map(({ length }) => length))
    return keyLength < 2 || engine() === undefined ? undefined : new ByteSearch(literals, keyLength, sample)
  }

  /** Calls `onFound` for each place of each literal in ASCII bytes, in the order of the places: with the literal's index, and a place inside it. */
  find(bytes: Uint8Array, onFound: (literal: number, at: number) => void): void {
    const running = engine()
    if (running === undefined) return
    const { text, places } = running
    running.load(this.#tables)
    for (let base = 0; base < bytes.length; base += textMax) {
      // The bytes behind belong to what may begin in this piece.
      const piece = bytes.subarray(base, base + textMax + keyMax)
      text.set(piece)
      text.fill(0, piece.length, piece.length + slackBytes)
      const end = Math.min(textMax, piece.length)
      for (let from = 0; from < end; ) {
        const count = running.scan(from, end)
        for (let i = 0; i < count; i++) this.#tell(bytes, text, places[i] ?? 0, base, onFound)
        from = count < placesMax ? end : (places[count - 1] ?? end) + 1
      }
    }
  }

  #tell(
    bytes: Uint8Array,
    text: Uint8Array,
    place: number,
    base: number,
    onFound: (literal: number, at: number) => void,
  ): void {
    const key = fourAt(text, place) & this.#mask
    const entries = this.#entries.get(key)
    if (entries === undefined) return
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]
      if (entry === undefined) return
      const literal = this.#literals[entry.literal] ?? nothing
      if (stands(literal, bytes, base + place - entry.offset)) onFound(entry.literal, base + place)
    }
  }

  #add(key: number, entry: Entry, group: number, keyLength: number): void {
    const known = this.#entries.get(key)
    if (known === undefined) this.#entries.set(key, [entry])
    else known.push(entry)
    for (let byte = 0; byte < keyLength; byte++) {
      const code = (key >>> (8 * byte)) & 255
      this.#mark(layout.groups + 32 * byte + (code & 15), group)
      this.#mark(layout.groups + 32 * byte + 16 + (code >> 4), group)
    }
    const hash = hashOf(key)
    this.#mark(layout.hashes + (hash >> 3), 1 << (hash & 7))
  }

  #mark(place: number, bits: number): void {
    this.#tables[place] = (this.#tables[place] ?? 0) | bits
  }
}

/** One for the whole process: each WebAssembly memory takes gigabytes of addresses. It holds the tables of who ran last. */
class Engine {
  readonly scan: (from: number, end: number) => number
  readonly text: Uint8Array
  readonly places: Int32Array
  readonly #tables: Uint8Array
  #loaded: Uint8Array | undefined

  constructor(module: object) {
    const { memory, scan } = new WebAssembly.Instance(module).exports
    this.scan = scan
    this.#tables = new Uint8Array(memory.buffer, 0, layout.places)
    this.places = new Int32Array(memory.buffer, layout.places, placesMax)
    this.text = new Uint8Array(memory.buffer, layout.text)
  }

  load(tables: Uint8Array): void {
    if (this.#loaded === tables) return
    this.#tables.set(tables)
    this.#loaded = tables
  }
}

let started: Engine | 'impossible' | undefined

/** Undefined where V8 runs without WebAssembly, or a processor without its vectors (x86 before SSE 4.1). */
function engine(): Engine | undefined {
  started ??= startEngine()
  return started === 'impossible' ? undefined : started
}

function startEngine(): Engine | 'impossible' {
  if (typeof WebAssembly === 'undefined') return 'impossible'
  const bytes = byteSearchModule(Math.ceil((layout.text + textMax + keyMax + slackBytes) / pageBytes))
  return WebAssembly.validate(bytes) ? new Engine(new WebAssembly.Module(bytes)) : 'impossible'
}

const nothing: Literal = []

const fourAt = (bytes: Uint8Array, at: number): number =>
  (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)

/** All ways to write these characters in ASCII. */
function keysOf(codes: Literal): number[] {
  let keys = [0]
  for (const [i, ways] of codes.entries())
    keys = keys.flatMap((key) => ways.filter((code) => code < 128).map((code) => key | (code << (8 * i))))
  return keys
}

function stands(literal: Literal, bytes: Uint8Array, begin: number): boolean {
  if (begin < 0 || begin + literal.length > bytes.length) return false
  for (let i = 0; i < literal.length; i++) {
    const codes = literal[i]
    const code = bytes[begin + i]
    if (codes === undefined || (codes[0] !== code && codes[1] !== code)) return false
  }
  return true
}
