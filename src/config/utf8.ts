import { reprText } from '../lib/python-text.js'
import { ConfigError } from './config-error.js'

/** Strict UTF-8. NOTE: a byte order mark stays in the text, where it is an error (spec 1.2). */
export function decodeUtf8(bytes: Uint8Array, file: string): { text: string; error?: ConfigError } {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) }
  } catch (cause) {
    const at = firstBadByte(bytes)
    const byte = (bytes[at] ?? 0).toString(16).padStart(2, '0')
    const line = bytes.subarray(0, at).reduce((lines, one) => lines + (one === 10 ? 1 : 0), 1)
    const reason = reasonOf(bytes, at)
    const peerText = `Error decoding config file ${reprText(file)}: 'utf-8' codec can't decode byte 0x${byte} in position ${at}: ${reason}`
    const error = new ConfigError(`${file} is not UTF-8: byte 0x${byte} at offset ${at}`, {
      origin: { file, line },
      hint: 'convert the file, for example with iconv -f latin1 -t utf-8',
      peerText,
      cause,
    })
    return { text: '', error }
  }
}

/** Offset of the first byte that starts no well-formed sequence (RFC 3629). */
function firstBadByte(bytes: Uint8Array): number {
  let at = 0
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at)
    if (length === 0) return at
    at += length
  }
  return at
}

function sequenceLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0
  if (first < 0x80) return 1
  const [length, low, high] = leadOf(first)
  for (let i = 1; i < length; i++) {
    const next = bytes[at + i] ?? 0
    if (next < (i === 1 ? low : 0x80) || next > (i === 1 ? high : 0xbf)) return 0
  }
  return length
}

/** Length of the sequence (0: no lead byte) and the range of its second byte. */
function leadOf(first: number): [length: number, low: number, high: number] {
  if (first >= 0xc2 && first <= 0xdf) return [2, 0x80, 0xbf]
  if (first >= 0xe0 && first <= 0xef) return [3, first === 0xe0 ? 0xa0 : 0x80, first === 0xed ? 0x9f : 0xbf]
  if (first >= 0xf0 && first <= 0xf4) return [4, first === 0xf0 ? 0x90 : 0x80, first === 0xf4 ? 0x8f : 0xbf]
  return [0, 0, 0]
}

/** In Python's words. */
function reasonOf(bytes: Uint8Array, at: number): string {
  const [length, low, high] = leadOf(bytes[at] ?? 0)
  if (length === 0) return 'invalid start byte'
  for (let i = 1; at + i < bytes.length; i++) {
    const next = bytes[at + i] ?? 0
    if (next < (i === 1 ? low : 0x80) || next > (i === 1 ? high : 0xbf)) return 'invalid continuation byte'
  }
  return 'unexpected end of data'
}
