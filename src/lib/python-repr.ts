import { reprText, spaceClass } from './python-text.js'

/**
 * A value of Python's as Fail2ban's commands and answers hold it: null is None, a number an int, a bigint an int beyond 2^53, an array
 * a list, an object a dict with texts as keys.
 */
export type PyValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | PyFloat
  | PyTuple
  | readonly PyValue[]
  | { readonly [key: string]: PyValue }

/** A float, which Python prints and pickles differently from an int of the same value. */
export class PyFloat {
  readonly value: number

  constructor(value: number) {
    this.value = value
  }
}

/** `(a, b)` */
export class PyTuple {
  readonly items: readonly PyValue[]

  constructor(items: readonly PyValue[]) {
    this.items = items
  }
}

/** `tuple('a', 1)` is `('a', 1)`. */
export function tuple(...items: readonly PyValue[]): PyTuple {
  return new PyTuple(items)
}

/** As Python's `repr()` writes it. */
export function repr(value: PyValue): string {
  if (value === null) return 'None'
  if (typeof value === 'string') return reprText(value)
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (isList(value)) return `[${value.map(repr).join(', ')}]`
  if (value instanceof PyTuple) return `(${value.items.map(repr).join(', ')}${value.items.length === 1 ? ',' : ''})`
  if (value instanceof PyFloat) return reprFloat(value.value)
  return `{${Object.entries(value)
    .map(([key, item]) => `${reprText(key)}: ${repr(item)}`)
    .join(', ')}}`
}

/** Both languages print the fewest digits that mean the value; Python turns to exponents at 1e16 and below 1e-4. */
function reprFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf'
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  const [digits = '', exponent = '0'] = value.toExponential().split('e')
  const power = Number(exponent)
  if (power < -4 || power >= 16) return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
  const plain = String(value)
  return plain.includes('.') ? plain : `${plain}.0`
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
