import { PyFloat, PyTuple, type PyValue } from '../lib/python-repr.js'

/** An exception by its class and arguments; whoever reads it needs that class. */
export interface PickledException {
  /** With its module: `builtins.IndexError`. */
  exception: string
  args: readonly PyValue[]
}

/** A Python pickle of protocol 5, byte for byte as CPython writes it while it is short (one frame, no text said twice by reference). */
export function writePickle(value: PyValue): Buffer {
  const writer = new Writer()
  writer.value(value)
  return writer.finish()
}

/** The pickle of `(1, exception)`, the answer to a command that failed. */
export function writeFailure(failure: PickledException): Buffer {
  const writer = new Writer()
  writer.value(1)
  writer.exception(failure)
  writer.code(0x86) // TUPLE2
  writer.memoize()
  return writer.finish()
}

/** As many items go into a list at a time. */
const batch = 1000
/** PROTO 5, FRAME and its length. */
const headBytes = 11

class Writer {
  #buffer = Buffer.allocUnsafe(1024)
  #length = headBytes

  finish(): Buffer {
    this.code(0x2e) // STOP
    const body = this.#length - headBytes
    // Python frames nothing under four bytes.
    if (body < 4) return Buffer.concat([Buffer.from([0x80, 5]), this.#buffer.subarray(headBytes, this.#length)])
    this.#buffer.set([0x80, 5, 0x95])
    this.#buffer.writeBigUInt64LE(BigInt(body), 3)
    return this.#buffer.subarray(0, this.#length)
  }

  value(value: PyValue): void {
    if (value === null) this.code(0x4e)
    else if (typeof value === 'boolean') this.code(value ? 0x88 : 0x89)
    else if (typeof value === 'number') this.#number(value)
    else if (typeof value === 'bigint') this.#int(value)
    else if (typeof value === 'string') this.#text(value)
    else if (value instanceof PyFloat) this.#float(value.value)
    else if (value instanceof PyTuple) this.#tuple(value.items)
    else if (isList(value)) this.#list(value)
    else this.#dict(Object.entries(value))
  }

  /** Class and arguments, and the request to call the one with the other. */
  exception({ exception, args }: PickledException): void {
    const dot = exception.lastIndexOf('.')
    this.#text(exception.slice(0, dot))
    this.#text(exception.slice(dot + 1))
    this.code(0x93) // STACK_GLOBAL
    this.memoize()
    this.#tuple(args)
    this.code(0x52) // REDUCE
    this.memoize()
  }

  code(code: number): void {
    this.#room(1)
    this.#buffer[this.#length++] = code
  }

  memoize(): void {
    this.code(0x94)
  }

  #number(value: number): void {
    if (!Number.isInteger(value)) this.#float(value)
    else if (value >= 0 && value < 0x100) this.#bytes([0x4b, value])
    else if (value >= 0 && value < 0x10000) this.#bytes([0x4d, value & 0xff, value >> 8])
    else if ((value | 0) === value) this.#int32(value)
    else this.#long(BigInt(value))
  }

  #int(value: bigint): void {
    if (BigInt.asIntN(32, value) === value) this.#number(Number(value))
    else this.#long(value)
  }

  #int32(value: number): void {
    this.code(0x4a)
    this.#room(4)
    this.#length = this.#buffer.writeInt32LE(value, this.#length)
  }

  /** Two's complement in as few bytes as hold it, sign included. */
  #long(value: bigint): void {
    const bytes: number[] = []
    for (let rest = value; ; rest >>= 8n) {
      bytes.push(Number(rest & 0xffn))
      if (BigInt.asIntN(bytes.length * 8, value) === value) break
    }
    this.#bytes([0x8a, bytes.length, ...bytes])
  }

  #float(value: number): void {
    this.code(0x47)
    this.#room(8)
    this.#length = this.#buffer.writeDoubleBE(value, this.#length)
  }

  #text(text: string): void {
    const bytesMax = text.length * 3
    this.#room(bytesMax + 5)
    const start = this.#length + (bytesMax < 0x100 ? 2 : 5)
    const length = this.#buffer.write(text, start)
    if (loneSurrogate.test(text)) {
      this.#brokenText(text)
      return
    }
    if (bytesMax < 0x100) this.#buffer.set([0x8c, length], this.#length)
    else if (length < 0x100) {
      this.#buffer.copyWithin(this.#length + 2, start, start + length)
      this.#buffer.set([0x8c, length], this.#length)
    } else {
      this.#buffer[this.#length] = 0x58
      this.#buffer.writeUInt32LE(length, this.#length + 1)
    }
    this.#length += length + (length < 0x100 ? 2 : 5)
    this.memoize()
  }

  /** Lone surrogates as Python's `surrogatepass` has them; rare, so without haste. */
  #brokenText(text: string): void {
    const bytes = Buffer.concat([...text].map(characterBytes))
    if (bytes.length < 0x100) this.#bytes([0x8c, bytes.length])
    else {
      this.code(0x58)
      this.#bytes([...Buffer.from(Uint32Array.of(bytes.length).buffer)])
    }
    this.#bytes(bytes)
    this.memoize()
  }

  #tuple(items: readonly PyValue[]): void {
    if (items.length === 0) {
      this.code(0x29)
      return
    }
    if (items.length > 3) this.code(0x28)
    for (const item of items) this.value(item)
    this.code(items.length > 3 ? 0x74 : 0x84 + items.length)
    this.memoize()
  }

  #list(items: readonly PyValue[]): void {
    this.code(0x5d)
    this.memoize()
    this.#batches(items, (item) => this.value(item), { one: 0x61, many: 0x65 })
  }

  #dict(entries: readonly (readonly [string, PyValue])[]): void {
    this.code(0x7d)
    this.memoize()
    const pair = ([key, value]: readonly [string, PyValue]) => {
      this.value(key)
      this.value(value)
    }
    this.#batches(entries, pair, { one: 0x73, many: 0x75 })
  }

  #batches<T>(items: readonly T[], write: (item: T) => void, { one, many }: { one: number; many: number }): void {
    for (let from = 0; from < items.length; from += batch) {
      const some = items.slice(from, from + batch)
      if (some.length > 1) this.code(0x28)
      for (const item of some) write(item)
      this.code(some.length > 1 ? many : one)
    }
  }

  #bytes(bytes: ArrayLike<number>): void {
    this.#room(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + bytes))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}

const loneSurrogate = /\p{Surrogate}/u

function characterBytes(character: string): Buffer {
  if (!loneSurrogate.test(character)) return Buffer.from(character)
  const code = character.charCodeAt(0)
  return Buffer.from([0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)])
}

function isList(value: PyValue): value is readonly PyValue[] {
  return Array.isArray(value)
}
