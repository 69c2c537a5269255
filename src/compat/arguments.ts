import { messageOf } from '../lib/error-message.js'
import { PyFloat, PyTuple, type PyValue, repr } from '../lib/python-repr.js'
import { type Command, CommandError } from './fail2ban-server.js'

/** The word at this place. A missing one is Python's IndexError, which the client calls an invalid command. */
export function word(command: Command, at: number): PyValue {
  const found = command[at]
  if (found === undefined) throw new CommandError('builtins.IndexError', 'list index out of range')
  return found
}

/** As Python's `str()`. */
export function textOf(value: PyValue): string {
  return typeof value === 'string' ? value : repr(value)
}

export function textAt(command: Command, at: number): string {
  return textOf(word(command, at))
}

/** As Python's `int()`, with its words for what is none. */
export function intOf(value: PyValue): number {
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value instanceof PyFloat && Number.isFinite(value.value)) return Math.trunc(value.value)
  if (typeof value !== 'string')
    throw wrongType(`int() argument must be a string, a bytes-like object or a real number, not '${typeName(value)}'`)
  const digits = value.trim().replace(/(?<=\d)_(?=\d)/g, '')
  if (!/^[-+]?\d+$/.test(digits)) throw wrongValue(`invalid literal for int() with base 10: ${repr(value)}`)
  return Number(digits)
}

/** As Python's `float()`. */
export function floatOf(value: PyValue): number {
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value instanceof PyFloat) return value.value
  if (typeof value !== 'string')
    throw wrongType(`float() argument must be a string or a real number, not '${typeName(value)}'`)
  const text = value.trim()
  if (!/^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(text))
    throw wrongValue(`could not convert string to float: ${repr(value)}`)
  return Number(text)
}

/** A list of commands, or of keys and values. */
export function listsAt(command: Command, at: number): readonly Command[] {
  return listOf(word(command, at)).map(listOf)
}

export function listOf(value: PyValue): readonly PyValue[] {
  if (value instanceof PyTuple) return value.items
  if (Array.isArray(value)) return value
  throw wrongType(`'${typeName(value)}' object is not iterable`)
}

/** Arguments by name in JSON, as actions in Python get them. */
export function jsonOf(value: PyValue): { readonly [key: string]: PyValue } {
  const parsed = parsedJson(value)
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return fromJson(parsed) as never
  throw wrongType(`argument after ** must be a mapping, not ${typeName(fromJson(parsed))}`)
}

function parsedJson(value: PyValue): unknown {
  try {
    return JSON.parse(textOf(value))
  } catch (error) {
    throw wrongValue(`not JSON: ${messageOf(error)}`)
  }
}

function fromJson(value: unknown): PyValue {
  if (typeof value === 'number') return Number.isInteger(value) ? value : new PyFloat(value)
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (Array.isArray(value)) return value.map(fromJson)
  if (typeof value !== 'object' || value === null) return null
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fromJson(inner)]))
}

/** Python's name for the type. */
export function typeName(value: PyValue): string {
  if (value === null) return 'NoneType'
  if (typeof value === 'string') return 'str'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number' || typeof value === 'bigint') return 'int'
  if (value instanceof PyFloat) return 'float'
  if (value instanceof PyTuple) return 'tuple'
  return Array.isArray(value) ? 'list' : 'dict'
}

export function wrongType(text: string): CommandError {
  return new CommandError('builtins.TypeError', text)
}

export function wrongValue(text: string): CommandError {
  return new CommandError('builtins.ValueError', text)
}
