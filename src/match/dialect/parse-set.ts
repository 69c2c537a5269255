import { charOfEscape, classOfEscape, octalInSet } from './escape.js'
import { isDigit, isOctalDigit, type PatternReader } from './reader.js'
import type { SetItem } from './syntax.js'

export interface ParsedSet {
  negated: boolean
  items: SetItem[]
}

/** Reads a set whose opening bracket is taken. A `]` in first place is a character: `[]a]`, `[^]a]`. */
export function parseSet(reader: PatternReader): ParsedSet {
  const begin = reader.position - 1
  const negated = reader.accept('^')
  const items: SetItem[] = []
  const unterminated = () => reader.error('unterminated character set', reader.position - begin)
  for (;;) {
    const token = reader.take()
    if (token === undefined) throw unterminated()
    if (token === ']' && items.length > 0) return { negated, items }
    const first = parseItem(reader, token)
    if (!reader.accept('-')) {
      items.push(first)
      continue
    }
    const until = reader.take()
    if (until === undefined) throw unterminated()
    if (until === ']') {
      items.push(first, single(0x2d))
      return { negated, items }
    }
    items.push(rangeOf(reader, token, first, until))
  }
}

function rangeOf(reader: PatternReader, fromText: string, from: SetItem, untilText: string): SetItem {
  const until = parseItem(reader, untilText)
  if ('kind' in from || 'kind' in until || until.lo < from.lo) {
    const text = `${fromText}-${untilText}`
    throw reader.error(`bad character range ${text}`, text.length)
  }
  return { lo: from.lo, hi: until.lo }
}

function parseItem(reader: PatternReader, token: string): SetItem {
  if (!token.startsWith('\\')) return single(token.codePointAt(0) ?? 0)
  const asClass = classOfEscape(token)
  if (asClass !== undefined) return asClass
  const letter = token.slice(1)
  if (letter === 'b') return single(8)
  if (isOctalDigit(letter)) return single(octalInSet(reader, token))
  if (isDigit(letter)) throw reader.error(`bad escape ${token}`, token.length)
  return single(charOfEscape(reader, token))
}

const single = (code: number): SetItem => ({ lo: code, hi: code })
