import { reprText, spaceClass } from './python-text.js'

/** A value of the command stream; null is Python's None. */
export type PyValue = string | number | boolean | null | readonly PyValue[] | { readonly [key: string]: PyValue }

/** As Python's `repr()` writes it. */
export function repr(value: PyValue): string {
  if (value === null) return 'None'
  if (typeof value === 'string') return reprText(value)
  if (typeof value === 'number') return String(value)
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (isList(value)) return `[${value.map(repr).join(', ')}]`
  return `{${Object.entries(value)
    .map(([key, item]) => `${reprText(key)}: ${repr(item)}`)
    .join(', ')}}`
}

const width = 1000
const step = 2

/** As Python's `pprint(value, width=1000, indent=2)` writes it (spec 1.14). */
export function pretty(value: PyValue): string {
  return fitted(value, { indent: 0, allowance: 0 })
}

/** Where a value starts, and how many characters must still fit behind it. */
interface Space {
  indent: number
  allowance: number
}

function fitted(value: PyValue, space: Space): string {
  const whole = repr(value)
  if (length(whole) <= width - space.indent - space.allowance) return whole
  if (typeof value === 'string') return brokenText(value, space)
  return isList(value) ? brokenList(value, space) : whole
}

/** One item a line. */
function brokenList(items: readonly PyValue[], { indent, allowance }: Space): string {
  const inner = indent + step
  const lines = items.map((item, at) =>
    fitted(item, { indent: inner, allowance: at === items.length - 1 ? allowance + 1 : 1 }),
  )
  return `[${' '.repeat(step - 1)}${lines.join(`,\n${' '.repeat(inner)}`)}]`
}

/** Cut at line ends, and lines still too long at blanks. A piece without a blank stays as long as it is. */
function brokenText(text: string, { indent, allowance }: Space): string {
  const lines = text.match(lineWithEnd) ?? []
  const pieces = lines.flatMap((line, at) => {
    const last = at === lines.length - 1 ? allowance : 0
    const whole = reprText(line)
    return length(whole) <= width - indent - last ? [whole] : brokenLine(line, width - indent, last)
  })
  return pieces.join(`\n${' '.repeat(indent)}`)
}

function brokenLine(line: string, room: number, last: number): string[] {
  const words = line.match(wordWithBlanks) ?? []
  const pieces: string[] = []
  let current = ''
  for (const [at, word] of words.entries()) {
    const candidate = current + word
    const isTooLong = length(reprText(candidate)) > room - (at === words.length - 1 ? last : 0)
    if (isTooLong && current !== '') pieces.push(reprText(current))
    current = isTooLong ? word : candidate
  }
  return current === '' ? pieces : [...pieces, reprText(current)]
}

const ends = '\\n\\r\\x0b\\x0c\\x1c-\\x1e\\x85\\u2028\\u2029'
const lineWithEnd = new RegExp(`[^${ends}]*(?:\\r\\n|[${ends}])|[^${ends}]+$`, 'g')
const wordWithBlanks = new RegExp(`[^${spaceClass}]+[${spaceClass}]*|[${spaceClass}]+`, 'g')

/** In characters, as Python counts. */
function length(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}

function isList(value: PyValue): value is readonly PyValue[] {
  return Array.isArray(value)
}
