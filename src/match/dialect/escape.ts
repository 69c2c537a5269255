import { isDigit, isHexDigit, isOctalDigit, type PatternReader } from './reader.js'
import type { SetItem } from './syntax.js'

const controls: Readonly<Record<string, number>> = {
  '\\a': 7,
  '\\f': 12,
  '\\n': 10,
  '\\r': 13,
  '\\t': 9,
  '\\v': 11,
  '\\\\': 92,
}
const hexLengths: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 }
const kinds: Readonly<Record<string, 'digit' | 'word' | 'space'>> = { d: 'digit', w: 'word', s: 'space' }

/** The class that `\d`, `\S`, … stand for; undefined for other escapes. */
export function classOfEscape(escaped: string): Extract<SetItem, { kind: string }> | undefined {
  const letter = escaped.charAt(1)
  const kind = kinds[letter.toLowerCase()]
  return kind === undefined ? undefined : { kind, negated: letter !== letter.toLowerCase() }
}

/**
 * The character that an escape stands for, inside a set and outside. `escaped` is taken already; digits that belong to it are taken
 * here. Octal escapes and group references differ between inside and outside and are the caller's.
 */
export function charOfEscape(reader: PatternReader, escaped: string): number {
  const control = controls[escaped]
  if (control !== undefined) return control
  const letter = escaped.slice(1)
  const length = hexLengths[letter]
  if (length !== undefined) return hexEscape(reader, escaped, length)
  if (letter === 'N')
    throw reader.error('character names (\\N{…}) are not supported, write the character itself', escaped.length)
  if (/^[A-Za-z0-9]$/.test(letter)) throw reader.error(`bad escape ${escaped}`, escaped.length)
  return letter.codePointAt(0) ?? 0
}

/** The character of an octal escape inside a set: up to three digits, the first of which is in `escaped`. */
export function octalInSet(reader: PatternReader, escaped: string): number {
  const whole = escaped + reader.takeWhile(2, isOctalDigit)
  return octalValue(reader, whole)
}

/** What a backslash with a digit means outside a set: an octal character, or a reference to a group. */
export function digitEscape(
  reader: PatternReader,
  escaped: string,
): { code: number } | { group: number; text: string } {
  if (escaped === '\\0') return { code: Number.parseInt((escaped + reader.takeWhile(2, isOctalDigit)).slice(1), 8) }
  let text = escaped
  if (reader.next !== undefined && isDigit(reader.next)) {
    text += reader.take()
    if (/^\\[0-7]{2}$/.test(text) && reader.next !== undefined && isOctalDigit(reader.next)) {
      text += reader.take()
      return { code: octalValue(reader, text) }
    }
  }
  return { group: Number(text.slice(1)), text }
}

function octalValue(reader: PatternReader, escaped: string): number {
  const code = Number.parseInt(escaped.slice(1), 8)
  if (code > 0o377) throw reader.error(`octal escape value ${escaped} outside of range 0-0o377`, escaped.length)
  return code
}

function hexEscape(reader: PatternReader, escaped: string, length: number): number {
  const whole = escaped + reader.takeWhile(length, isHexDigit)
  if (whole.length !== length + 2) throw reader.error(`incomplete escape ${whole}`, whole.length)
  const code = Number.parseInt(whole.slice(2), 16)
  if (code > 0x10ffff) throw reader.error(`bad escape ${whole}`, whole.length)
  return code
}
