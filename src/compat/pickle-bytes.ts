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

/** Reads the arguments of a pickle's opcodes, in order. Whatever goes beyond the end throws `PickleError`. */
export class PickleBytes {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** Byte offset of what is read next. */
  get at(): number {
    return this.#at
  }

  u8(): number {
    return this.#take(1).readUInt8()
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

  skip(length: number): void {
    this.#take(length)
  }

  bytes(length: number): Buffer {
    return this.#take(length)
  }

  /** UTF-8; lone surrogates, which Python writes for bytes that were no UTF-8, stay. */
  text(length: number): string {
    return textOf(this.#take(length), this.#at)
  }

  /** Up to the next line end, which is skipped. ASCII. */
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
    if (length > this.#bytes.length - this.#at) throw this.wrong(`${length} bytes are announced and not there`)
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }
}

function textOf(bytes: Buffer, at: number): string {
  const text = bytes.toString('utf8')
  return text.includes('\ufffd') ? carefulText(bytes, at) : text
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
