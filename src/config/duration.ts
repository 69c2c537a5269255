import { strip } from '../lib/python-text.js'
import { evaluateArithmetic } from './arithmetic.js'

/** Seconds of each unit, as they are put into the expression; a month and a year are fractions of 365.25 days. */
const units: readonly (readonly [words: RegExp, seconds: string])[] = [
  [/^(?:s|ss|sec?|seconds?)$/i, '1'],
  [/^(?:m|mm|min?|minutes?)$/i, '60'],
  [/^(?:h|hh|hou?|hours?)$/i, '3600'],
  [/^(?:d|dd|da|days?)$/i, '86400'],
  [/^(?:w|ww|wee?|weeks?)$/i, '604800'],
  [/^(?:mo|mon|months?)$/i, '2629800.0'],
  [/^(?:y|yy|yea?|years?)$/i, '31557600.0'],
]

export const timeHint = 'write 600, 10m, 1h 30m or 1w; months are "mo"'

/**
 * Milliseconds of a Fail2ban time: `600`, `1h 30m`, `1d-2h`, `10*60` (spec 1.10). A unit multiplies the number before
 * it, numbers side by side are added, the rest is arithmetic. Undefined for what is none.
 */
export function parseDurationMs(text: string): number | undefined {
  // A digit behind a letter starts a new number: 1d12h.
  const spaced = text.replace(/([A-Za-z])(?=[0-9])/g, '$1 ')
  const factored = spaced.replace(/(?<=[\d\s])([A-Za-z]+)/g, (word) => {
    const unit = units.find(([words]) => words.test(word))
    return unit ? `*${unit[1]}` : word
  })
  const summed = strip(factored).replace(/(\d)\s+(\d)/g, '$1+$2')
  const seconds = evaluateArithmetic(summed)
  return seconds === undefined || !Number.isFinite(seconds) ? undefined : seconds * 1000
}
