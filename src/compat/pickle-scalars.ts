import { PyFloat, type PyValue } from '../lib/python-repr.js'
import { PickleBytes } from './pickle-bytes.js'

type Read = (bytes: PickleBytes) => PyValue

/** How the value of an opcode is read that stands for one text or number. */
export const scalars: ReadonlyMap<number, Read> = new Map<number, Read>([
  [0x4e, () => null], // NONE
  [0x88, () => true], // NEWTRUE
  [0x89, () => false], // NEWFALSE
  [0x49, readInt], // INT
  [0x4a, (bytes) => bytes.i32()], // BININT
  [0x4b, (bytes) => bytes.u8()], // BININT1
  [0x4d, (bytes) => bytes.u16()], // BININT2
  [0x4c, (bytes) => intOf(bytes, bytes.line().replace(/L$/, ''))], // LONG
  [0x8a, (bytes) => readLong(bytes, bytes.u8())], // LONG1
  [0x8b, (bytes) => readLong(bytes, bytes.u32())], // LONG4
  [0x46, readFloat], // FLOAT
  [0x47, (bytes) => new PyFloat(bytes.f64())], // BINFLOAT
  [0x56, (bytes) => unescaped(bytes.escapedLine())], // UNICODE
  [0x8c, (bytes) => bytes.text(bytes.u8())], // SHORT_BINUNICODE
  [0x58, (bytes) => bytes.text(bytes.u32())], // BINUNICODE
  [0x8d, (bytes) => bytes.text(bytes.u64())], // BINUNICODE8
  [0x53, (bytes) => quoted(bytes, bytes.escapedLine())], // STRING of Python 2
  [0x55, (bytes) => bytes.text(bytes.u8())], // SHORT_BINSTRING
  [0x54, (bytes) => bytes.text(bytes.u32())], // BINSTRING
])

const longBytesMax = 128

function readInt(bytes: PickleBytes): PyValue {
  const line = bytes.line()
  if (line === '00') return false
  return line === '01' ? true : intOf(bytes, line)
}

function intOf(bytes: PickleBytes, digits: string): number | bigint {
  if (!/^-?\d+$/.test(digits)) throw bytes.wrong('an int that is none')
  return narrow(BigInt(digits))
}

/** Two's complement, little-endian. */
function readLong(bytes: PickleBytes, length: number): number | bigint {
  if (length > longBytesMax) throw bytes.wrong(`an int of ${length} bytes, where ${longBytesMax} are the most,`)
  const unsigned = [...bytes.bytes(length)].reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  return narrow(BigInt.asIntN(length * 8, unsigned))
}

function narrow(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

const specialFloats = new Map([
  ['nan', Number.NaN],
  ['inf', Number.POSITIVE_INFINITY],
  ['-inf', Number.NEGATIVE_INFINITY],
])

function readFloat(bytes: PickleBytes): PyFloat {
  const line = bytes.line()
  const special = specialFloats.get(line)
  if (special === undefined && !/^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(line))
    throw bytes.wrong('a float that is none')
  return new PyFloat(special ?? Number(line))
}

/**
 * Reads Python's codec `raw-unicode-escape`: each byte is a Latin-1 character, and only what Latin-1 lacks is escaped, as a backslash with
 * `u` and four hexadecimal digits, or with `U` and eight. Every other backslash stands for itself.
 */
function unescaped(line: string): string {
  return line.replace(
    /\\u([\da-fA-F]{4})|\\U(00(?:10|0[\da-fA-F])[\da-fA-F]{4})/g,
    (_whole, short?: string, long?: string) => String.fromCodePoint(Number.parseInt(short ?? long ?? '', 16)),
  )
}

/** A text of Python 2 in quotes, with the escapes that its `repr()` writes. */
function quoted(bytes: PickleBytes, line: string): string {
  const quote = line.at(0)
  if ((quote !== "'" && quote !== '"') || line.length < 2 || line.at(-1) !== quote)
    throw bytes.wrong('a text without quotes')
  const inner = line
    .slice(1, -1)
    .replace(/\\(?:x([\da-fA-F]{2})|([\\'"nrt]))/g, (_whole, hex?: string, one?: string) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
      return { n: '\n', r: '\r', t: '\t' }[one ?? ''] ?? one ?? ''
    })
  return new PickleBytes(Buffer.from(inner, 'latin1')).text(inner.length)
}
