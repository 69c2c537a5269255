/** Bytes of a pickle that cannot be read: what was found, and where. */
export class PickleError extends Error {
  /** Byte offset at which it was found. */
  readonly at: number

  constructor(what: string, at: number) {
    super(`Cannot read a pickle: ${what} at byte ${at}`)
    this.name = 'PickleError'
    this.at = at
  }
}

/** Longest line of the text protocol's numbers and memo keys; their digits are few. */
const lineBytesMax = 400
/**
 * Texts that need a second look (escapes of the old protocols, surrogates) cost a hundred times their bytes: this much of them in one
 * pickle. A client of today sends none.
 */
const slowBytesMax = 1 << 20

/** Reads the arguments of a pickle's opcodes, in order. Whatever goes beyond the end throws `PickleError`. */
export class PickleBytes {
  readonly #bytes: Buffer
  #at = 0
  #slowBytes = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** Byte offset of what is read next. */
  get at(): number {
    return this.#at
  }

  u8(): number {
    const byte = this.#bytes[this.#at]
    this.advance(1)
    return byte ?? 0
  }

  u16(): number {
    return this.#take(2).readUInt16LE()
  }

  u32(): number {
    return this.#take(4).readUInt32LE()
  }

  i32(): number {
    return this.#take(4).readInt32LE()
  }

  /** A length; one beyond what a number holds exactly is beyond the end, too. */
  u64(): number {
    return Number(this.#take(8).readBigUInt64LE())
  }

  f64(): number {
    return this.#take(8).readDoubleBE()
  }

  /** Goes over bytes that nobody asks for. */
  advance(length: number): void {
    if (length > this.#bytes.length - this.#at) throw this.wrong(`${length} bytes are announced and not there`)
    this.#at += length
  }

  bytes(length: number): Buffer {
    return this.#take(length)
  }

  /** UTF-8; lone surrogates, which Python writes for bytes that were no UTF-8, stay. */
  text(length: number): string {
    const start = this.#at
    this.advance(length)
    const text = this.#bytes.toString('utf8', start, this.#at)
    if (!text.includes('\ufffd')) return text
    this.#count(length)
    return carefulText(this.#bytes.subarray(start, this.#at), this.#at)
  }

  /** A text of the old protocols, up to the next line end: Latin-1 whose escapes are still to be read. */
  escapedLine(): string {
    const line = this.line(Number.POSITIVE_INFINITY)
    this.#count(line.length)
    return line
  }

  /** Up to the next line end, which is read over. ASCII. */
  line(bytesMax = lineBytesMax): string {
    const end = this.#bytes.indexOf(0x0a, this.#at)
    if (end < 0) throw this.wrong('a line without an end')
    if (end - this.#at > bytesMax)
      throw this.wrong(`a line of ${end - this.#at} bytes, where ${bytesMax} are the most,`)
    const line = this.#bytes.toString('latin1', this.#at, end)
    this.#at = end + 1
    return line
  }

  wrong(what: string): PickleError {
    return new PickleError(what, this.#at)
  }

  #take(length: number): Buffer {
    this.advance(length)
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  #count(slowBytes: number): void {
    this.#slowBytes += slowBytes
    if (this.#slowBytes > slowBytesMax) throw this.wrong(`more than ${slowBytesMax} bytes of escaped text`)
  }
}

const surrogate = /\xed([\xa0-\xbf])([\x80-\xbf])/g

/** Python's `surrogatepass`. */
function carefulText(bytes: Buffer, at: number): string {
  const pieces: string[] = []
  let from = 0
  for (const { index, 1: high = '', 2: low = '' } of bytes.toString('latin1').matchAll(surrogate)) {
    pieces.push(
      strictText(bytes.subarray(from, index), at),
      String.fromCharCode(0xd000 | ((high.charCodeAt(0) & 0x3f) << 6) | (low.charCodeAt(0) & 0x3f)),
    )
    from = index + 3
  }
  pieces.push(strictText(bytes.subarray(from), at))
  return pieces.join('')
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function strictText(bytes: Buffer, at: number): string {
  try {
    return strict.decode(bytes)
  } catch {
    throw new PickleError('text that is not UTF-8', at)
  }
}
