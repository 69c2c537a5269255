import { type PyValue, repr } from '../lib/python-repr.js'
import { strip } from '../lib/python-text.js'

/** Fail2ban's truth: everything that is not one of four words is false (spec 1.9). */
export function asBool(text: string): boolean {
  return ['1', 'on', 'true', 'yes'].includes(text.toLowerCase())
}

/** A value that a command brings, as an option's text. */
export function asText(value: PyValue): string {
  if (typeof value === 'string') return value
  return value === null ? '' : repr(value)
}

/** Python's `int()`; undefined where it would fail. */
export function asInt(text: string): number | undefined {
  const digits = strip(text)
  return /^[+-]?\d+(?:_\d+)*$/.test(digits) ? Number(digits.replaceAll('_', '')) : undefined
}
