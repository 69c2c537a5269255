import { strip } from '../lib/python-text.js'

/** Fail2ban's truth: everything that is not one of four words is false (spec 1.9). */
export function asBool(text: string): boolean {
  return ['1', 'on', 'true', 'yes'].includes(text.toLowerCase())
}

/** Python's `int()`; undefined where it would fail. */
export function asInt(text: string): number | undefined {
  const digits = strip(text)
  return /^[+-]?\d+(?:_\d+)*$/.test(digits) ? Number(digits.replaceAll('_', '')) : undefined
}
