/**
 * Python's idea of text where it differs from JavaScript's. NOTE: `trim()` strips U+FEFF and keeps U+001C..1F and U+0085;
 * Python's `str.strip()` does the opposite, and a byte order mark must stay visible (spec 1.2).
 */
const spaces = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'
const leading = new RegExp(`^[${spaces}]+`)
const space = new RegExp(`[${spaces}]`)

/** The inside of a character class that means Python's `\s` for text. */
export const spaceClass = spaces

export function strip(text: string): string {
  return stripEnd(text.replace(leading, ''))
}

/** `str.rstrip()`. A loop, because `[…]+$` is quadratic on long runs of blanks inside a line. */
export function stripEnd(text: string): string {
  let end = text.length
  while (end > 0 && space.test(text.charAt(end - 1))) end--
  return text.slice(0, end)
}

export function isSpace(character: string): boolean {
  return space.test(character)
}

/** Index of the first character that is no blank; the length when all are. */
export function indentOf(text: string): number {
  return leading.exec(text)?.[0].length ?? 0
}

/** What Python's `repr()` prints for a string: the form of every text in `fail2ban-client -d` (spec 1.14). */
export function reprText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  // Printable per Python: no control, format, surrogate, private or unassigned character, no separator but the blank.
  const body = text.replace(/[\\'"]|[\p{C}\p{Z}]/gu, (one) => {
    if (one === ' ') return one
    if (one === '\\' || one === quote) return `\\${one}`
    if (one === "'" || one === '"') return one
    return escapeOf(one)
  })
  return quote + body + quote
}

function escapeOf(one: string): string {
  if (one === '\n') return '\\n'
  if (one === '\r') return '\\r'
  if (one === '\t') return '\\t'
  const code = one.codePointAt(0) ?? 0
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`
  if (code <= 0xffff) return `\\u${code.toString(16).padStart(4, '0')}`
  return `\\U${code.toString(16).padStart(8, '0')}`
}
