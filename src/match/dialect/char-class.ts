import { caseVariants } from './case-fold.js'
import type { Fold, Node, SetItem } from './syntax.js'

type OneChar = Extract<Node, { type: 'char' | 'set' | 'any' }>

/** Which of the 128 ASCII characters the node takes. */
export function asciiMembers(node: OneChar): boolean[] {
  const members = new Array<boolean>(128).fill(false)
  if (node.type === 'any') {
    members.fill(true)
    members[10] = node.newline
    return members
  }
  if (node.type === 'char' && node.fold === 'none') {
    if (node.code < 128) members[node.code] = true
    return members
  }
  for (const item of itemsOf(node)) {
    for (let code = 0; code < 128; code++) if (isInItem(item, code)) addFolded(members, code, node.fold)
    if (node.fold === 'unicode' && !('kind' in item)) addForeignCases(members, item)
  }
  return node.type === 'set' && node.negated ? members.map((is) => !is) : members
}

const asciiClasses = new Map<string, string>()

/** Source of a JavaScript class (no flags) that takes the same ASCII characters; what it does with others does not matter. */
export function asciiClass(node: OneChar): string {
  if (node.type === 'any') return node.newline ? '[^]' : '[^\\n]'
  if (node.type === 'char' && node.fold === 'none') return node.code < 128 ? escapeAscii(node.code) : '[]'
  // The same few classes are in all patterns. The map is bounded by what a configuration can write.
  const key = JSON.stringify(node)
  const known = asciiClasses.get(key)
  if (known !== undefined) return known
  const source = writeClass(node)
  asciiClasses.set(key, source)
  return source
}

function writeClass(node: OneChar): string {
  const members = asciiMembers(node)
  const positive = writeRanges(members)
  const negative = writeRanges(members.map((is) => !is))
  if (negative === '') return '[^]'
  const codes = members.flatMap((is, code) => (is ? [code] : []))
  if (codes.length === 1) return escapeAscii(codes[0] ?? 0)
  if (positive === '0-9A-Z_a-z') return '\\w'
  if (negative === '0-9A-Z_a-z') return '\\W'
  return negative.length < positive.length ? `[^${negative}]` : `[${positive}]`
}

/** Source of a JavaScript class (flag `v`) that takes the same characters of all Unicode. */
export function unicodeClass(node: OneChar): string {
  if (node.type === 'any') return node.newline ? '[^]' : '[^\\n]'
  const ascii = node.type === 'set' && node.ascii
  const parts = itemsOf(node).map((item) => unicodeItem(item, node.fold, ascii))
  return node.type === 'set' && node.negated ? `[^${parts.join('')}]` : `[${parts.join('')}]`
}

/** Python's `\w` under flag `v`: letters, numbers of every kind, and the underscore. */
export const unicodeWord = '[\\p{L}\\p{N}_]'

/** The characters that Python's `str.isspace` is true for. */
const unicodeSpace = '\\t-\\r\\x1c- \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'

function unicodeItem(item: SetItem, fold: Fold, ascii: boolean): string {
  if (!('kind' in item)) return rangeSource(item.lo, item.hi) + foldedExtras(item, fold)
  const inside = {
    digit: ascii ? '0-9' : '\\p{Nd}',
    word: ascii ? '0-9A-Z_a-z' : '\\p{L}\\p{N}_',
    space: ascii ? '\\t-\\r ' : unicodeSpace,
  }[item.kind]
  return item.negated ? `[^${inside}]` : `[${inside}]`
}

function foldedExtras(range: { lo: number; hi: number }, fold: Fold): string {
  if (fold === 'none') return ''
  const extra = new Set<number>()
  for (const variant of caseVariants(range.lo, range.hi, fold)) extra.add(variant)
  return [...extra].map((code) => rangeSource(code, code)).join('')
}

function rangeSource(lo: number, hi: number): string {
  const first = `\\u{${lo.toString(16)}}`
  return lo === hi ? first : `${first}-\\u{${hi.toString(16)}}`
}

function itemsOf(node: Extract<OneChar, { type: 'char' | 'set' }>): readonly SetItem[] {
  return node.type === 'char' ? [{ lo: node.code, hi: node.code }] : node.items
}

/** For an ASCII `code`; the flag `a` makes no difference there, except that ASCII's separators (1C–1F) are no blanks to it. */
function isInItem(item: SetItem, code: number): boolean {
  if (!('kind' in item)) return code >= item.lo && code <= item.hi
  const char = String.fromCharCode(code)
  const is =
    item.kind === 'digit'
      ? code >= 48 && code <= 57
      : item.kind === 'word'
        ? /\w/.test(char)
        : (code >= 9 && code <= 13) || (code >= 28 && code <= 32)
  return is !== item.negated
}

function addFolded(members: boolean[], code: number, fold: Fold): void {
  members[code] = true
  if (fold !== 'none' && /[A-Za-z]/.test(String.fromCharCode(code))) members[code ^ 0x20] = true
}

/** The few characters outside ASCII that equal an ASCII letter when case is ignored. */
const foreignCases: readonly (readonly [code: number, letter: string])[] = [
  [0x130, 'iI'],
  [0x131, 'iI'],
  [0x17f, 'sS'],
  [0x212a, 'kK'],
]

function addForeignCases(members: boolean[], range: { lo: number; hi: number }): void {
  for (const [code, letters] of foreignCases) {
    if (code < range.lo || code > range.hi) continue
    for (const letter of letters) members[letter.charCodeAt(0)] = true
  }
}

function writeRanges(members: readonly boolean[]): string {
  let source = ''
  for (let lo = 0; lo < 128; lo++) {
    if (!members[lo]) continue
    let hi = lo
    while (members[hi + 1]) hi++
    source += hi === lo ? inClass(lo) : hi === lo + 1 ? inClass(lo) + inClass(hi) : `${inClass(lo)}-${inClass(hi)}`
    lo = hi
  }
  return source
}

const inClass = (code: number): string => (/\w/.test(String.fromCharCode(code)) ? String.fromCharCode(code) : hex(code))

/** One ASCII character as a pattern that stands outside sets. */
function escapeAscii(code: number): string {
  const char = String.fromCharCode(code)
  if (/[\w "#%&',:;<=>@!`~-]/.test(char)) return char
  return code < 32 || code === 127 ? hex(code) : `\\${char}`
}

const hex = (code: number): string => `\\x${code.toString(16).padStart(2, '0')}`
