import { closeSync, openSync, readSync } from 'node:fs'
import { textEncoding } from '../../source/encoding.js'

/** Bytes read at once. */
const pieceBytes = 1 << 20
/** A longer line is passed over, and counted: it would have to be held in memory as a whole. */
const lineBytesMax = 16 << 20

export interface LogText {
  /** Pieces of whole lines; only the last line of the last piece may lack its line feed. */
  pieces: Iterable<Piece>
  /** Lines that were passed over. */
  linesTooLong: number
}

/** A piece of a log. */
export interface Piece {
  text: string
  /** As it was read; valid until the next piece is asked for. */
  bytes: Uint8Array | undefined
}

export interface LogOptions {
  encoding: string
  /** Leaves out a last line without a line feed, as Fail2ban does: it may still be written. */
  skipsOpenEnd: boolean
}

/** Reads a file piece by piece. Throws when it cannot be opened, or the encoding is unknown. */
export function readLog(file: string, options: LogOptions): LogText {
  if (textEncoding(options.encoding) === undefined) throw new Error(`unknown encoding: ${options.encoding}`)
  const fd = openSync(file, 'r')
  const log: LogText = { pieces: [], linesTooLong: 0 }
  log.pieces = piecesOf(fd, options, log)
  return log
}

function* piecesOf(fd: number, { encoding: encodingName, skipsOpenEnd }: LogOptions, log: LogText): Generator<Piece> {
  let buffer = Buffer.allocUnsafeSlow(pieceBytes)
  let kept = 0
  let encoding = textEncoding(encodingName)
  let isSkipping = false
  try {
    for (let isFirst = true; ; isFirst = false) {
      if (kept === buffer.length && kept < lineBytesMax) buffer = Buffer.concat([buffer], buffer.length * 2)
      if (kept === buffer.length) {
        isSkipping = true
        kept = 0
      }
      const count = readSync(fd, buffer, kept, buffer.length - kept, null)
      if (isFirst) encoding = textEncoding(encodingName, buffer.subarray(0, count))
      if (encoding === undefined) throw new Error(`unknown encoding: ${encodingName}`)
      const length = kept + count
      if (count === 0) {
        if (isSkipping) log.linesTooLong++
        else if (length > 0 && !skipsOpenEnd) yield pieceOf(buffer.subarray(0, length), encoding)
        return
      }
      const begin = isSkipping ? encoding.endOfFirstLine(buffer, 0, length) : 0
      if (isSkipping && begin < 0) {
        kept = 0
        continue
      }
      if (isSkipping) log.linesTooLong++
      isSkipping = false
      const end = encoding.endOfLastLine(buffer, begin, length)
      if (end > begin) yield pieceOf(buffer.subarray(begin, end), encoding)
      const from = Math.max(begin, end)
      kept = length - from
      buffer.copyWithin(0, from, length)
    }
  } finally {
    closeSync(fd)
  }
}

const pieceOf = (bytes: Buffer, encoding: { decode(bytes: Buffer): string }): Piece => ({
  text: encoding.decode(bytes),
  bytes,
})
