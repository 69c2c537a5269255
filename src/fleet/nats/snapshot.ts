import { promisify } from 'node:util'
import { deflateRaw, inflateRaw } from 'node:zlib'
import { ipOf, isSingleAddress, parseIp, v4Text } from '../../domain/address.js'
import { decodeWord, encodeWord } from '../message/word-code.js'
import type { BanWord, NodeName, Word } from '../word.js'
import { ByteReader, ByteWriter } from './byte-columns.js'

/** Part of all that a node says now. */
export interface SnapshotPart {
  /** The same in all parts of one snapshot. */
  id: string
  part: number
  words: readonly Word[]
}

/** 11 bytes a ban or so, packed, which fits into a message many times; making a part takes 40 ms, and nothing else is done meanwhile. */
export const wordsPerPart = 10_000
/** Unpacked; what is larger is none of ours. */
const bytesMax = 16 << 20
const format = 1

const pack = promisify(deflateRaw)
const unpack = promisify(inflateRaw)

/**
 * Bans of single addresses as columns, sorted by address, so that they pack well; anything else as it travels in messages.
 * Times are exact. The bytes are not signed yet.
 */
export async function encodePart({ id, part, words }: SnapshotPart): Promise<Buffer> {
  const columns: Columns = { v4: [], v6: [], others: [] }
  for (const word of words) sort(word, columns)
  columns.v4.sort((a, b) => a.address - b.address)
  const jails = [...new Set(words.flatMap((word) => (word.kind === 'ban' ? [word.jail] : [])))]
  const lastMs = words.reduce((last, { atMs }) => Math.max(last, atMs), 0)
  const lastSeq = words.reduce((last, { seq }) => Math.max(last, seq), 0)
  const writer = new ByteWriter()
  writer.number(format)
  writer.text(id)
  writer.number(part)
  writer.text(JSON.stringify(jails))
  writer.number(lastMs)
  writer.number(lastSeq)
  writer.text(JSON.stringify(columns.others.map(encodeWord)))
  writer.number(columns.v4.length)
  let before = 0
  for (const { address } of columns.v4) {
    writer.number(address - before)
    before = address
  }
  writeColumns(
    writer,
    columns.v4.map(({ word }) => word),
    { jails, lastMs, lastSeq },
  )
  writer.number(columns.v6.length)
  for (const { bytes } of columns.v6) writer.bytes(bytes)
  writeColumns(
    writer,
    columns.v6.map(({ word }) => word),
    { jails, lastMs, lastSeq },
  )
  return pack(writer.end(), { level: 1 })
}

/**
 * Rejects for whatever is not such a part, whoever has signed it. The words come into being as they are taken, for many parts may wait
 * to be heard.
 */
export async function decodePart(packed: Uint8Array, node: NodeName): Promise<ReadPart> {
  const reader = new ByteReader(await unpack(packed, { maxOutputLength: bytesMax }))
  if (reader.number() !== format) throw new RangeError('A snapshot in a format of another version')
  const [id, part] = [reader.text(), reader.number()]
  const jails = jailsOf(reader.text())
  const common = { node, jails, lastMs: reader.number(), lastSeq: reader.number() }
  const others: Word[] = othersOf(reader.text(), node)
  const v4 = addressesV4(reader, countOf(reader))
  const v4From = { ...common, ...readColumns(reader, v4.length, common) }
  const v6 = addressesV6(reader, countOf(reader))
  const v6From = { ...common, ...readColumns(reader, v6.length, common) }
  if (!reader.isAtEnd) throw new RangeError('A snapshot with something behind its end')
  const v6At = others.length + v4.length
  const count = v6At + v6.length
  const words = function* (from: number, to: number) {
    for (let i = from; i < Math.min(to, count); i++) {
      const other = others[i]
      if (other !== undefined) yield other
      else if (i < v6At) yield wordAt(i - others.length, v4Text(v4[i - others.length] ?? 0), v4From)
      else yield wordAt(i - v6At, v6[i - v6At] ?? '', v6From)
    }
  }
  return { id, part, count, words }
}

/** As it is read. */
export interface ReadPart extends Omit<SnapshotPart, 'words'> {
  count: number
  /** Those at the places `from` to `to` (exclusive), as far as there are. */
  words(from: number, to: number): Iterable<Word>
}

interface Columns {
  v4: { address: number; word: BanWord }[]
  v6: { bytes: Uint8Array; word: BanWord }[]
  others: Word[]
}

function sort(word: Word, columns: Columns): void {
  const ip = parseIp(word.ip)
  if (word.kind !== 'ban' || ip === undefined || !isSingleAddress(ip)) columns.others.push(word)
  else if (ip.family === 6) columns.v6.push({ bytes: ip.bytes, word })
  else {
    const [a = 0, b = 0, c = 0, d = 0] = ip.bytes
    columns.v4.push({ address: ((a * 256 + b) * 256 + c) * 256 + d, word })
  }
}

interface Common {
  jails: readonly string[]
  lastMs: number
  lastSeq: number
}

function writeColumns(writer: ByteWriter, words: readonly BanWord[], { jails, lastMs, lastSeq }: Common): void {
  const numbers = new Map(jails.map((jail, i) => [jail, i]))
  for (const { atMs } of words) writer.number(lastMs - atMs)
  for (const { atMs, untilMs } of words) writer.number(untilMs === undefined ? 0 : 1 + Math.max(0, untilMs - atMs))
  for (const { jail, byHand } of words) writer.number((numbers.get(jail) ?? 0) * 2 + (byHand ? 1 : 0))
  for (const { failures } of words) writer.number(failures)
  for (const { seq } of words) writer.number(lastSeq - seq)
}

/** What is said of addresses, by their places. */
interface Rest {
  ages: Float64Array
  lengths: Float64Array
  jailNumbers: Float64Array
  failures: Float64Array
  seqs: Float64Array
}

function readColumns(reader: ByteReader, count: number, { jails, lastMs, lastSeq }: Common): Rest {
  const column = (max = Number.POSITIVE_INFINITY) => {
    const numbers = new Float64Array(count)
    for (let i = 0; i < count; i++) {
      const number = reader.number()
      if (number > max) throw new RangeError('A snapshot with numbers that fit nothing')
      numbers[i] = number
    }
    return numbers
  }
  return {
    ages: column(lastMs),
    lengths: column(),
    jailNumbers: column(jails.length * 2 - 1),
    failures: column(),
    seqs: column(lastSeq - 1),
  }
}

function wordAt(i: number, ip: string, from: Common & Rest & { node: NodeName }): BanWord {
  const { node, jails, lastMs, lastSeq, ages, lengths, jailNumbers, failures, seqs } = from
  const atMs = lastMs - (ages[i] ?? 0)
  const length = lengths[i] ?? 0
  const jailNumber = jailNumbers[i] ?? 0
  return {
    kind: 'ban',
    node,
    seq: lastSeq - (seqs[i] ?? 0),
    atMs,
    ip,
    jail: jails[jailNumber >> 1] ?? '',
    untilMs: length === 0 ? undefined : atMs + length - 1,
    failures: failures[i] ?? 0,
    byHand: (jailNumber & 1) === 1,
  }
}

function countOf(reader: ByteReader): number {
  const count = reader.number()
  if (count > wordsPerPart) throw new RangeError(`A part of a snapshot with ${count} words`)
  return count
}

function addressesV4(reader: ByteReader, count: number): Uint32Array {
  const addresses = new Uint32Array(count)
  for (let i = 0, address = 0; i < count; i++) {
    address += reader.number()
    if (address > 0xffffffff) throw new RangeError('A snapshot with an address that is none')
    addresses[i] = address
  }
  return addresses
}

function addressesV6(reader: ByteReader, count: number): string[] {
  return Array.from({ length: count }, () => ipOf(reader.bytes(16)).text)
}

function jailsOf(text: string): string[] {
  const jails: unknown = JSON.parse(text)
  const isGood = Array.isArray(jails) && jails.length <= 1000 && jails.every(isJailName)
  if (!isGood) throw new RangeError('A snapshot with names of jails that are none')
  return jails
}

/** The same names that messages may have. */
function isJailName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= 64 && !/[\p{C}\p{Zl}\p{Zp}]/u.test(value)
}

function othersOf(text: string, node: NodeName): Word[] {
  const raw: unknown = JSON.parse(text)
  if (!Array.isArray(raw) || raw.length > wordsPerPart) throw new RangeError('A snapshot whose words are no list')
  return raw.map((entry: unknown) => {
    const decoded = decodeWord(entry, node)
    if (decoded === undefined) throw new RangeError('A snapshot with a word that is none')
    return decoded.word
  })
}
