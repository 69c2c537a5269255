import { isAscii } from 'node:buffer'
import type { ReadPosition } from '../domain/read-position.js'
import type { Clock } from '../lib/clock.js'
import type { Log } from '../lib/log.js'
import { warnOfBadBytes } from './decode-warning.js'
import { type TextEncoding, textEncoding } from './encoding.js'
import { type Cut, cutLines, lineBytesMax } from './line-cutter.js'
import type { LogFile } from './log-file.js'
import { OnceADay } from './once-a-day.js'

/** Bytes read at once, and so the length of a chunk: at most some milliseconds of work between two turns of the event loop. */
export const pieceBytesMax = 768 * 1024

export interface PieceReaderOptions {
  path: string
  encoding: string
  clock: Clock
  log: Log
}

/** Whole lines of a log. NOTE: the bytes are only there while the piece is being handed over, so take the text then. */
export class Piece {
  readonly #decode: (bytes: Buffer) => string
  #buffer: Buffer | undefined
  #text: string | undefined
  /** The lines where they are all ASCII; undefined: they are not, or the encoding has other plans with such bytes. */
  bytes: Buffer | undefined

  constructor(bytes: Buffer, encoding: TextEncoding, decode: (bytes: Buffer) => string) {
    this.#buffer = bytes
    this.bytes = encoding.isAsciiItself && isAscii(bytes) ? bytes : undefined
    this.#decode = decode
  }

  /** Made when it is asked for: most lines of an access log need not become text. */
  get text(): string {
    if (this.#text !== undefined) return this.#text
    if (this.#buffer === undefined)
      throw new Error('Cannot read lines of a log: they were not asked for while they were there')
    this.#text = this.bytes === undefined ? this.#decode(this.#buffer) : this.bytes.toString('latin1')
    return this.#text
  }

  /** The buffer is used for the next lines. */
  release(): void {
    this.#buffer = undefined
    this.bytes = undefined
  }
}

/** Reads files of one log in big pieces and makes text of their complete lines. What is incomplete is read again next time. */
export class PieceReader {
  readonly #options: PieceReaderOptions
  readonly #daily: OnceADay
  // Pages that no piece has reached are not in memory: a quiet log costs 4 KiB, not 768.
  readonly #buffer = Buffer.allocUnsafeSlow(pieceBytesMax)
  #encoding: TextEncoding
  linesSkippedTooLong = 0
  bytesRead = 0

  /** Throws when the encoding is unknown. */
  constructor(options: PieceReaderOptions) {
    this.#options = options
    this.#daily = new OnceADay(options.clock)
    const encoding = textEncoding(options.encoding)
    if (encoding === undefined) {
      throw new Error(
        `Cannot read ${options.path}: unknown logencoding "${options.encoding}"; try auto, utf-8, latin1, ascii or utf-16`,
      )
    }
    this.#encoding = encoding
  }

  /**
   * Reads up to `bytesMax` (at most `pieceBytesMax`) and moves the file's offset. Returns the number of bytes that were read,
   * less than asked for at the end of the file.
   */
  async read(file: LogFile, bytesMax: number, emit: (piece: Piece, position: ReadPosition) => void): Promise<number> {
    const length = await file.read(this.#buffer, bytesMax)
    if (length === 0) return 0
    await file.learnFirstLine()
    if (this.#encoding.unitBytes === 2) this.#readByteOrder(file)
    const base = file.readOffset
    const cut = cutLines(this.#buffer, length, this.#encoding, base > file.offset)
    this.#move(file, cut, length)
    this.bytesRead += file.readOffset - base
    this.#countSkipped(cut)
    const { firstLineSha1, offset } = file.position
    for (const [i, [start, end]] of cut.lines.entries()) {
      const behind = i === cut.lines.length - 1 ? offset : base + end
      const piece = new Piece(this.#buffer.subarray(start, end), this.#encoding, (bytes) => this.#decode(bytes))
      emit(piece, { firstLineSha1, offset: behind })
      piece.release()
    }
    return length
  }

  /** Offset of the begin of the last line, or of the end of the file when that line is complete. */
  async lastLineStart(file: LogFile): Promise<number> {
    const size = file.sizeAtOpen
    const reach = lineBytesMax + 2
    const base = size <= reach ? 0 : (size - reach) & ~1
    const length = await file.readAt(this.#buffer, Math.min(reach + 1, size - base), base)
    const end = this.#encoding.endOfLastLine(this.#buffer, 0, length)
    // A line over the bound stands at the end: what comes of it is a part, and harmless only by luck; so begin at its end.
    return end < 0 && base > 0 ? size : base + Math.max(0, end)
  }

  #readByteOrder(file: LogFile): void {
    const head = file.readOffset === 0 ? this.#buffer : file.head
    this.#encoding = textEncoding(this.#options.encoding, head) ?? this.#encoding
  }

  #move(file: LogFile, cut: Cut, length: number): void {
    const base = file.readOffset
    // While a long line is being skipped over several pieces, `offset` stays at its begin.
    if (cut.consumed > 0 || !cut.isSkipping) file.moveTo(base + cut.consumed)
    if (cut.isSkipping) file.readOffset = base + length - (length % this.#encoding.unitBytes)
  }

  #countSkipped(cut: Cut): void {
    if (cut.skipped === 0) return
    this.linesSkippedTooLong += cut.skipped
    if (!this.#daily.isDue('too long')) return
    const { path, log } = this.#options
    log.write(
      'WARNING',
      'filter',
      `Skipped a line over ${lineBytesMax / 1024} KiB in ${path}; more of them today are only counted`,
    )
  }

  #decode(bytes: Buffer): string {
    const { path, log } = this.#options
    if (!this.#encoding.isValid(bytes) && this.#daily.isDue('decoding'))
      warnOfBadBytes(log, path, this.#encoding, bytes)
    return this.#encoding.decode(bytes)
  }
}
