/**
 * The inner loop of ByteSearch, for V8's WebAssembly: a program for 16 bytes at a time, which JavaScript has no way to say. Written here byte by
 * byte, for it is one function and needs no tool. Source: WebAssembly Core Specification 2.0, sections 5.4 (instructions) and 5.5 (modules).
 *
 * `scan(from, end)`: for every place from `from` up to `end` it looks up, for four bytes each, in which of eight groups of literals a byte with this lower and
 * this upper half can stand there ("Teddy" of the Hyperscan library: Wang et al., NSDI 2019); where a group is left, a table of bits is asked for the
 * hash of all four. Places are written to a list; returns how many. It stops when the list is full.
 */

/** Where things are in memory. */
export const layout = {
  /** For each of four bytes: 16 groups by the lower half of a byte, 16 by the upper. */
  groups: 0,
  /** Which of the four bytes count (u32). */
  mask: 128,
  /** One bit for each hash. */
  hashes: 1024,
  /** The list of places (i32 each). */
  places: 16_384,
  text: 49_152,
} as const

export const placesMax = 8192
const hashFactor = 0x9e3779b1 | 0

/** Of four bytes, read as a little-endian number and masked: 16 bits. */
export function hashOf(four: number): number {
  return Math.imul(four, hashFactor) >>> 16
}

/** What may follow the text, so that the last 16 bytes and a word behind them can be read. */
export const slackBytes = 32

/** The module: exports `memory` and `scan`. `pages`: of 64 KiB. */
export function byteSearchModule(pages: number): Uint8Array<ArrayBuffer> {
  const body = [...locals, ...scanBody()]
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 2, i32, i32, 1, i32]),
    ...section(3, [1, 0]),
    ...section(5, [1, 1, ...unsigned(pages), ...unsigned(pages)]),
    ...section(7, [2, ...named('memory'), 2, 0, ...named('scan'), 0, 0]),
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ])
}

const i32 = 0x7f
const v128 = 0x7b
// Places of locals: parameters first.
const at = 0
const end = 1
const count = 2
const bits = 3
const place = 4
const hash = 5
const found = 6
const block = 7
const firstTable = 8
/** Five i32 less the two parameters, then found, block and the eight tables. */
const locals = [2, 4, i32, 10, v128]

function scanBody(): number[] {
  return [
    ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap((table) => [
      ...constant(layout.groups + 16 * table),
      ...load128(0),
      ...set(firstTable + table),
    ]),
    ...block0([
      ...loop([
        ...[...get(at), ...get(end), ...greaterOrEqual, ...leaveBlock(1)],
        ...lookUp(0),
        ...set(found),
        ...[1, 2, 3].flatMap((byte) => [...lookUp(byte), ...get(found), ...and128, ...set(found)]),
        ...when([...get(found), ...anyTrue], takeHits()),
        ...[...get(at), ...constant(16), ...add, ...set(at)],
        ...again(0),
      ]),
    ]),
    ...get(count),
    0x0b,
  ]
}

/** The groups that the bytes at `at + byte` leave possible. */
function lookUp(byte: number): number[] {
  return [
    ...[...get(at), ...load128(layout.text + byte), ...set(block)],
    ...[...get(firstTable + 2 * byte), ...get(block), ...constant(15), ...splat, ...and128, ...swizzle],
    ...[...get(firstTable + 2 * byte + 1), ...get(block), ...constant(4), ...shiftRight8, ...swizzle],
    ...and128,
  ]
}

/** For each byte of `found` that is not 0: asks the table of hashes and writes the place down. */
function takeHits(): number[] {
  const hashed = [
    ...[...get(place), ...load32(layout.text), ...constant(layout.mask), ...load32(0), ...and32],
    ...[...constant(hashFactor), ...multiply, ...constant(16), ...shiftRightUnsigned, ...set(hash)],
  ]
  const isKnown = [
    ...[...get(hash), ...constant(3), ...shiftRightUnsigned, ...load8(layout.hashes)],
    ...[...get(hash), ...constant(7), ...and32, ...shiftRightUnsigned, ...constant(1), ...and32],
    ...[...get(place), ...get(end), ...less, ...and32],
  ]
  const write = [
    ...[...get(count), ...constant(2), ...shiftLeft, ...get(place), ...store32(layout.places)],
    ...[...get(count), ...constant(1), ...add, ...set(count)],
    ...when([...get(count), ...constant(placesMax), ...greaterOrEqual], [...get(count), returned]),
  ]
  return [
    ...[...get(found), ...constant(0), ...splat, ...notEqual8, ...bitmask, ...set(bits)],
    ...loop([
      ...[...get(at), ...get(bits), ...trailingZeros, ...add, ...set(place)],
      ...hashed,
      ...when(isKnown, write),
      ...[...get(bits), ...get(bits), ...constant(1), ...subtract, ...and32, ...set(bits)],
      ...[...get(bits), 0x0d, 0],
    ]),
  ]
}

// The instructions.
const get = (local: number): number[] => [0x20, local]
const set = (local: number): number[] => [0x21, local]
const constant = (value: number): number[] => [0x41, ...signed(value)]
const block0 = (inner: number[]): number[] => [0x02, 0x40, ...inner, 0x0b]
const loop = (inner: number[]): number[] => [0x03, 0x40, ...inner, 0x0b]
const when = (condition: number[], inner: number[]): number[] => [...condition, 0x04, 0x40, ...inner, 0x0b]
const again = (depth: number): number[] => [0x0c, depth]
const leaveBlock = (depth: number): number[] => [0x0d, depth]
const returned = 0x0f
const load8 = (offset: number): number[] => [0x2d, 0, ...unsigned(offset)]
const load32 = (offset: number): number[] => [0x28, 0, ...unsigned(offset)]
const store32 = (offset: number): number[] => [0x36, 0, ...unsigned(offset)]
const load128 = (offset: number): number[] => [0xfd, 0x00, 0, ...unsigned(offset)]
const less = [0x48]
const greaterOrEqual = [0x4e]
const trailingZeros = [0x68]
const add = [0x6a]
const subtract = [0x6b]
const multiply = [0x6c]
const and32 = [0x71]
const shiftLeft = [0x74]
const shiftRightUnsigned = [0x76]
const swizzle = [0xfd, 0x0e]
const splat = [0xfd, 0x0f]
const notEqual8 = [0xfd, 0x24]
const and128 = [0xfd, 0x4e]
const anyTrue = [0xfd, 0x53]
const bitmask = [0xfd, 0x64]
const shiftRight8 = [0xfd, 0x6d]

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content]
}

function named(name: string): number[] {
  return [name.length, ...Buffer.from(name, 'latin1')]
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)]
}

function signed(value: number): number[] {
  const isLast = value >= -64 && value < 64
  return isLast ? [value & 127] : [(value & 127) | 128, ...signed(value >> 7)]
}
