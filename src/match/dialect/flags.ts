import type { PatternReader } from './reader.js'

/** Python's inline flags that change what we do. `u` is the rule anyway. */
export interface Flags {
  ignoreCase: boolean
  multiline: boolean
  dotAll: boolean
  verbose: boolean
  ascii: boolean
}

/** `(?i)` for the whole pattern, or `(?i-s:…)` for a group. */
export type FlagChange = { scope: 'pattern'; on: string } | { scope: 'group'; on: string; off: string }

const isFlag = (token: string): boolean => token.length === 1 && 'aiLmsux'.includes(token)

/** Reads flags behind `(?`, of which `first` is taken, up to the closing `)` or `:`, which is taken too. */
export function parseFlags(reader: PatternReader, first: string): FlagChange {
  let on = ''
  let token: string = first
  if (token !== '-') {
    for (;;) {
      on += checkedFlag(reader, token, on)
      token = need(reader, 'missing -, : or )')
      if (token === ')' || token === '-' || token === ':') break
      if (!isFlag(token)) throw unknown(reader, token, 'missing -, : or )')
    }
  }
  if (token === ')') return { scope: 'pattern', on }
  const off = token === '-' ? parseOff(reader) : ''
  if ([...off].some((flag) => on.includes(flag))) throw reader.error('bad inline flags: flag turned on and off', 1)
  return { scope: 'group', on, off }
}

export function withFlags(flags: Flags, on: string, off = ''): Flags {
  const has = (letter: string, now: boolean) => (now || on.includes(letter)) && !off.includes(letter)
  return {
    ignoreCase: has('i', flags.ignoreCase),
    multiline: has('m', flags.multiline),
    dotAll: has('s', flags.dotAll),
    verbose: has('x', flags.verbose),
    ascii: on.includes('a') || (flags.ascii && !on.includes('u')),
  }
}

function parseOff(reader: PatternReader): string {
  let off = ''
  let token = need(reader, 'missing flag')
  if (!isFlag(token)) throw unknown(reader, token, 'missing flag')
  for (;;) {
    if ('auL'.includes(token)) throw reader.error("bad inline flags: cannot turn off flags 'a', 'u' and 'L'")
    off += token
    token = need(reader, 'missing :')
    if (token === ':') return off
    if (!isFlag(token)) throw unknown(reader, token, 'missing :')
  }
}

function checkedFlag(reader: PatternReader, flag: string, before: string): string {
  if (flag === 'L') throw reader.error("bad inline flags: cannot use 'L' flag with a str pattern")
  if ((flag === 'a' && before.includes('u')) || (flag === 'u' && before.includes('a'))) {
    throw reader.error("bad inline flags: flags 'a', 'u' and 'L' are incompatible")
  }
  return flag
}

function need(reader: PatternReader, message: string): string {
  const token = reader.take()
  if (token === undefined) throw reader.error(message)
  return token
}

function unknown(reader: PatternReader, token: string, otherwise: string) {
  return reader.error(/^\p{L}/u.test(token) ? 'unknown flag' : otherwise, token.length)
}
