import { isAscii } from 'node:buffer'

/** One entry: the fields that were asked for, each once. */
export interface ExportedEntry {
  fields: Map<string, string>
  /** Larger than an entry may be: only the cursor was kept. */
  isTooLong: boolean
}

export interface ExportOptions {
  /** Names of the fields that are kept. */
  wanted: ReadonlySet<string>
  onEntry(entry: ExportedEntry): void
}

/** The name of every entry's place in the journal, always printed first. */
export const cursorField = '__CURSOR'

/** What is longer is skipped, never cut: a cut would defeat patterns that are anchored at the end. */
const fieldBytesMax = 64 * 1024
const entryBytesMax = 1024 * 1024
const nameBytesMax = 64
/** More than a journal file can hold: we have lost our place in the stream. */
const sizeBytesMax = 2n ** 32n
const fieldName = /^[A-Z0-9_]{1,64}$/
const lineFeed = 0x0a
const equals = 0x3d

/**
 * Reads the Journal Export Format (systemd.io/JOURNAL_EXPORT_FORMATS): `NAME=value` lines, or `NAME`, a 64-bit little-endian length and
 * that many bytes; an empty line ends the entry. Holds at most a field and a piece. An entry that was not ended is not told.
 */
export class JournalExport {
  fieldsTooLong = 0
  entriesTooLong = 0
  readonly #options: ExportOptions
  #rest: Buffer = Buffer.alloc(0)
  #entry = newEntry()
  #entryBytes = 0
  /** What comes next: a line, or the length or the bytes of this field. */
  #next: { name: string; bytes?: number } | undefined
  /** What of a field that is too long has still to go by; `line`: up to the next line feed. */
  #skipping: number | 'line' = 0

  constructor(options: ExportOptions) {
    this.#options = options
  }

  /** Takes what was printed next. False: it is not this format, and nothing sensible can follow. */
  push(piece: Buffer): boolean {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece])
    let at = 0
    for (;;) {
      const end = this.#step(bytes, at)
      if (end === undefined) return false
      if (end < 0) break
      this.#entryBytes += end - at
      at = end
    }
    // NOTE: a copy, for the rest may be a few bytes of a large piece.
    this.#rest = Buffer.from(bytes.subarray(at))
    return true
  }

  /** Reads one thing at `at`. Returns where it ends; -1: more bytes are needed; undefined: it makes no sense. */
  #step(bytes: Buffer, at: number): number | undefined {
    if (this.#skipping !== 0) return this.#skip(bytes, at)
    if (this.#next === undefined) return this.#readLine(bytes, at)
    return this.#next.bytes === undefined
      ? this.#readLength(bytes, at, this.#next.name)
      : this.#readBytes(bytes, at, this.#next.name, this.#next.bytes)
  }

  #skip(bytes: Buffer, at: number): number {
    if (at >= bytes.length) return -1
    if (this.#skipping === 'line') {
      const feed = bytes.indexOf(lineFeed, at)
      if (feed >= 0) this.#skipping = 0
      return feed < 0 ? bytes.length : feed + 1
    }
    const skipped = Math.min(this.#skipping, bytes.length - at)
    this.#skipping -= skipped
    return at + skipped
  }

  #readLine(bytes: Buffer, at: number): number | undefined {
    const feed = bytes.indexOf(lineFeed, at)
    if (feed < 0 && bytes.length - at <= fieldBytesMax + nameBytesMax) return -1
    if (feed === at) {
      this.#endEntry()
      return feed + 1
    }
    const end = feed < 0 ? bytes.length : feed
    const equal = bytes.subarray(at, Math.min(end, at + nameBytesMax + 1)).indexOf(equals)
    const name = bytes.toString('latin1', at, equal < 0 ? Math.min(end, at + nameBytesMax + 1) : at + equal)
    if (!fieldName.test(name)) return undefined
    if (feed < 0) {
      this.#skipping = 'line'
      this.fieldsTooLong++
      return end
    }
    if (equal < 0) this.#next = { name }
    else this.#keep(name, bytes.subarray(at + equal + 1, end))
    return feed + 1
  }

  #readLength(bytes: Buffer, at: number, name: string): number | undefined {
    if (bytes.length - at < 8) return -1
    const size = bytes.readBigUInt64LE(at)
    if (size > sizeBytesMax) return undefined
    if (size > fieldBytesMax) {
      this.fieldsTooLong++
      this.#skipping = Number(size) + 1
      this.#next = undefined
    } else this.#next = { name, bytes: Number(size) }
    return at + 8
  }

  #readBytes(bytes: Buffer, at: number, name: string, size: number): number | undefined {
    if (bytes.length - at <= size) return -1
    if (bytes[at + size] !== lineFeed) return undefined
    this.#keep(name, bytes.subarray(at, at + size))
    this.#next = undefined
    return at + size + 1
  }

  #keep(name: string, value: Buffer): void {
    if (value.length > fieldBytesMax) {
      this.fieldsTooLong++
      return
    }
    const { fields } = this.#entry
    if (!this.#options.wanted.has(name) || this.#entryBytes > entryBytesMax) return
    const text = isAscii(value) ? value.toString('latin1') : value.toString('utf8')
    const before = fields.get(name)
    if (before === undefined) fields.set(name, text)
    // A program may send a field more than once: as Fail2ban has it, messages are joined. Of anything else the first one counts.
    else if (name === 'MESSAGE') fields.set(name, `${before} ${text}`)
  }

  #endEntry(): void {
    const entry = this.#entry
    const cursor = entry.fields.get(cursorField)
    if (this.#entryBytes > entryBytesMax) {
      this.entriesTooLong++
      entry.isTooLong = true
      entry.fields = new Map(cursor === undefined ? [] : [[cursorField, cursor]])
    }
    this.#entry = newEntry()
    // Minus the empty line that is counted after this.
    this.#entryBytes = -1
    if (entry.fields.size > 0) this.#options.onEntry(entry)
  }
}

function newEntry(): ExportedEntry {
  return { fields: new Map(), isTooLong: false }
}
