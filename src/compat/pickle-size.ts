import { PyFloat, PyTuple, type PyValue } from '../lib/python-repr.js'
import { PickleError } from './pickle-bytes.js'

/** What a pickle may become at most; beyond it `PickleError`. */
export interface PickleLimits {
  /** Each operation leaves at most one value behind, so this bounds stack and memo while it is read. */
  operations: number
  values: number
  characters: number
  depth: number
}

/** A stream of a hundred jails has some 20,000 values; a command with its stream has seven levels. */
export const requestLimits: PickleLimits = { operations: 1_000_000, values: 1_000_000, characters: 1 << 25, depth: 32 }

/** A list of a million bans has a million values, and three operations for each. */
export const replyLimits: PickleLimits = { operations: 1e8, values: 1e8, characters: 1 << 29, depth: 32 }

/**
 * Refuses values that are much larger than their pickle, or endless: the memo lets one list stand in many places, in itself too.
 * Whoever prints or walks a value that passed is done soon.
 */
export function checkSize(value: PyValue, limits: PickleLimits, at: number): void {
  let values = 0
  let characters = 0
  const walk = (item: PyValue, depth: number): void => {
    if (++values > limits.values) throw new PickleError(`more than ${limits.values} values`, at)
    if (depth > limits.depth) throw new PickleError(`more than ${limits.depth} levels of lists`, at)
    if (typeof item === 'string') {
      characters += item.length
      if (characters > limits.characters) throw new PickleError(`more than ${limits.characters} characters`, at)
    } else if (typeof item === 'object' && item !== null) for (const inner of innerOf(item)) walk(inner, depth + 1)
  }
  walk(value, 0)
}

function innerOf(value: Extract<PyValue, object>): Iterable<PyValue> {
  if (value instanceof PyFloat) return []
  if (value instanceof PyTuple) return value.items
  return Array.isArray(value) ? value : Object.entries(value).flat()
}
