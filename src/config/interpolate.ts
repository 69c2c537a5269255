import { reprText } from '../lib/python-text.js'
import { ConfigError } from './config-error.js'
import { nearest } from './nearest.js'
import { insertion, join, originAt, originOf, slice, type Traced } from './traced.js'

/** Python's MAX_INTERPOLATION_DEPTH. */
const depthMax = 10

/** A value beyond this many characters is refused: ten nested levels can multiply a short text without end. */
const valueLengthMax = 4 << 20

/** Where a value stands, and how the names in it are found. */
export interface Surroundings {
  section: string
  option: string
  /** The value as written; for messages. */
  raw: string
  /** `name` in lower case, or `sec/opt` as written; undefined: there is none. */
  find(name: string): Traced | undefined
  /** Names that plain references may have; for hints. */
  names(): Iterable<string>
}

/** Replaces every `%(…)s` and `%%` (spec 1.5). Throws ConfigError for what cannot be replaced. */
export function interpolate(value: Traced, around: Surroundings, depth = 1): Traced {
  if (!value.text.includes('%')) return value
  if (depth > depthMax) throw tooDeep(value, around)
  const parts: Traced[] = []
  let from = 0
  let length = 0
  const push = (part: Traced) => {
    length += part.text.length
    if (length > valueLengthMax) throw tooLong(value, around)
    parts.push(part)
  }
  for (let at = value.text.indexOf('%'); at >= 0; at = value.text.indexOf('%', from)) {
    push(slice(value, from, at))
    const reference = referenceAt(value, at, around)
    from = reference.end
    const { name, end } = reference
    push(
      name === undefined ? slice(value, at, at + 1) : insertion(value, at, end, expand(value, at, name, around, depth)),
    )
  }
  push(slice(value, from))
  return join(parts, originOf(value))
}

/** What starts at the `%` at `at`: a name, or `%%`, which has none. */
function referenceAt(value: Traced, at: number, around: Surroundings): { name?: string; end: number } {
  const next = value.text.charAt(at + 1)
  if (next === '%') return { end: at + 2 }
  const rest = value.text.slice(at)
  if (next !== '(') {
    throw new ConfigError(`a single "%" in ${place(around)}: ${reprText(excerpt(rest))}`, {
      origin: originAt(value, at),
      hint: 'write "%%" for a percent sign',
      peerText: `'%' must be followed by '%' or '(', found: ${reprText(rest)}`,
    })
  }
  const match = /^%\(([^)]+)\)s/.exec(rest)
  if (match === null) {
    throw new ConfigError(`an incomplete reference in ${place(around)}: ${reprText(excerpt(rest))}`, {
      origin: originAt(value, at),
      hint: 'a reference is written %(name)s',
      peerText: `bad interpolation variable reference ${reprText(rest)}`,
    })
  }
  return { name: match[1] ?? '', end: at + match[0].length }
}

function expand(value: Traced, at: number, name: string, around: Surroundings, depth: number): Traced {
  const found = around.find(name)
  if (found !== undefined) return interpolate(found, around, depth + 1)
  const key = reprText(name.toLowerCase())
  throw new ConfigError(`%(${name})s in ${place(around)} refers to nothing`, {
    origin: originAt(value, at),
    hint: hintFor(name, around),
    peerText:
      `Bad value substitution: option ${reprText(around.option)} in section ${reprText(around.section)} contains an ` +
      `interpolation key ${key} which is not a valid option name. Raw value: ${reprText(around.raw)}`,
  })
}

function hintFor(name: string, around: Surroundings): string {
  if (/^known\//i.test(name)) return 'known/… is the value before this file, or that of the filter; there is none'
  const meant = nearest(name.toLowerCase(), around.names())
  return meant === undefined
    ? `define ${name.toLowerCase()} in the section or in [DEFAULT]`
    : `did you mean "${meant}"?`
}

function tooDeep(value: Traced, around: Surroundings): ConfigError {
  return new ConfigError(`${place(around)} is still not resolved after ${depthMax} levels of %(…)s`, {
    origin: originOf(value),
    hint: 'look for a value that refers to itself',
    peerText:
      `Recursion limit exceeded in value substitution: option ${reprText(around.option)} in section ` +
      `${reprText(around.section)} contains an interpolation key which cannot be substituted in ${depthMax} steps. ` +
      `Raw value: ${reprText(around.raw)}`,
  })
}

function tooLong(value: Traced, around: Surroundings): ConfigError {
  return new ConfigError(`${place(around)} grows beyond ${valueLengthMax} characters`, { origin: originOf(value) })
}

function place(around: Surroundings): string {
  return `option "${around.option}" of [${around.section}]`
}

function excerpt(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
