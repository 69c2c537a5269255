import type { Log } from '../lib/log.js'
import type { TextEncoding } from './encoding.js'

/** Hostile bytes in our log: enough of them to recognise the line. */
const shownBytesMax = 1024

/** Tells in Fail2ban's words (spec 9.2) of the first line of `bytes` that is not valid in `encoding`. */
export function warnOfBadBytes(log: Log, path: string, encoding: TextEncoding, bytes: Buffer): void {
  const line = firstBadLine(encoding, bytes).subarray(0, shownBytesMax)
  log.write('WARNING', 'filter', `Error decoding line from '${path}' with '${encoding.label}'.`)
  log.write(
    'WARNING',
    'filter',
    'Consider setting logencoding to appropriate encoding for this jail. ' +
      `Continuing to process line ignoring invalid characters: ${pythonBytes(line)}`,
  )
}

function firstBadLine(encoding: TextEncoding, bytes: Buffer): Buffer {
  for (let start = 0; start < bytes.length; ) {
    const end = encoding.endOfFirstLine(bytes, start, bytes.length)
    if (end < 0) break
    const line = bytes.subarray(start, end)
    if (!encoding.isValid(line)) return line
    start = end
  }
  return bytes
}

/** As Python prints a bytes object: `b'a\xff\n'`. */
function pythonBytes(bytes: Buffer): string {
  const text = bytes.toString('latin1')
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const escaped = text.replace(/[^ -~]|[\\'"]/g, (character) => {
    if (character === '"' || character === "'") return character === quote ? `\\${character}` : character
    return namedEscapes.get(character) ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
  return `b${quote}${escaped}${quote}`
}

const namedEscapes: ReadonlyMap<string, string> = new Map([
  ['\\', '\\\\'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
])
