import { createHash } from 'node:crypto'
import type { ReadPosition } from '../domain/read-position.js'
import type { FileAccess, FileFacts } from './file-access.js'

/** A first line longer than this has no hash: such a file is read from its start after a restart. */
const firstLineBytesMax = 1 << 20
/** This much of the first line is compared at every wake-up. */
const headBytesMax = 4096
const newline = 0x0a

/** One open log file, whatever its name is by now: its identity, its first line, and how far it is read. */
export class LogFile {
  readonly fd: number
  readonly dev: bigint
  readonly ino: bigint
  /** Size when it was opened. */
  readonly sizeAtOpen: number
  /** Byte offset of the next line to read. */
  offset = 0
  /** Where the next read begins; beyond `offset` only while a line that is too long is being skipped. */
  readOffset = 0
  readonly #access: FileAccess
  /** The first bytes of the first line; empty until that is complete or known to be too long. */
  #head: Buffer = Buffer.alloc(0)
  #firstLineSha1 = ''
  #firstLineTooLong = false

  private constructor(access: FileAccess, fd: number, facts: FileFacts) {
    this.#access = access
    this.fd = fd
    this.dev = facts.dev
    this.ino = facts.ino
    this.sizeAtOpen = facts.size
  }

  /** Rejects (or throws) with the system's error, or with one of ours when `path` is no regular file. */
  static async open(access: FileAccess, path: string): Promise<LogFile> {
    const opened = access.open(path)
    // NOTE: await only what must be waited for: each await is a turn of the microtask queue, and an answer in time counts.
    const fd = typeof opened === 'number' ? opened : await opened
    try {
      const facts = await access.facts(fd)
      if (!facts.isFile) throw new Error('it is not a regular file')
      const log = new LogFile(access, fd, facts)
      await log.learnFirstLine()
      return log
    } catch (error) {
      access.close(fd)
      throw error
    }
  }

  get position(): ReadPosition {
    return { firstLineSha1: this.#firstLineSha1, offset: this.offset }
  }

  /** The file's first bytes as far as they are known. */
  get head(): Buffer {
    return this.#head
  }

  moveTo(offset: number): void {
    this.offset = offset
    this.readOffset = offset
  }

  async facts(): Promise<FileFacts> {
    return this.#access.facts(this.fd)
  }

  /** Bytes read into `buffer` from `readOffset` on; fewer than `length` at the end of the file. */
  async read(buffer: Buffer, length: number): Promise<number> {
    return this.readAt(buffer, length, this.readOffset)
  }

  async readAt(buffer: Buffer, length: number, offset: number): Promise<number> {
    return this.#access.read(this.fd, buffer, length, offset)
  }

  /** False after a truncation, also when the file has grown beyond our offset since. */
  async isIntact(): Promise<boolean> {
    const { size } = await this.facts()
    return size >= this.readOffset && (await this.#beginsLike(this))
  }

  /** Whether `other`, opened just now by our name, is this file and may be read on from our offset. */
  async isContinuedBy(other: LogFile): Promise<boolean> {
    if (other.dev !== this.dev || other.ino !== this.ino || other.sizeAtOpen < this.readOffset) return false
    return this.#beginsLike(other)
  }

  /** Hashes the first line once it is complete. */
  async learnFirstLine(): Promise<void> {
    if (this.#firstLineSha1 !== '' || this.#firstLineTooLong) return
    for (let bytes = headBytesMax; bytes <= firstLineBytesMax; bytes *= 16) {
      const piece = Buffer.allocUnsafe(bytes)
      const length = await this.readAt(piece, bytes, 0)
      const end = piece.subarray(0, length).indexOf(newline)
      if (end >= 0) {
        this.#firstLineSha1 = createHash('sha1')
          .update(piece.subarray(0, end + 1))
          .digest('hex')
        this.#head = Buffer.from(piece.subarray(0, Math.min(end + 1, headBytesMax)))
        return
      }
      if (length < bytes) return
      this.#firstLineTooLong = bytes === firstLineBytesMax
      if (this.#firstLineTooLong) this.#head = Buffer.from(piece.subarray(0, headBytesMax))
    }
  }

  close(): void {
    this.#access.close(this.fd)
  }

  async #beginsLike(other: LogFile): Promise<boolean> {
    if (this.#head.length === 0) return true
    const piece = Buffer.allocUnsafe(this.#head.length)
    const length = await other.readAt(piece, piece.length, 0)
    return length === piece.length && piece.equals(this.#head)
  }
}
