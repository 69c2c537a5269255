import { FormulaError } from './formula-error.js'

/** Python's int, float and bool. */
export type Value = bigint | number | boolean

export interface Token {
  kind: 'number' | 'name' | 'sign' | 'end'
  text: string
  /** 0-based, in UTF-16 units. */
  at: number
  value?: Value
}

const blank = String.raw`(?<blank>[ \t\f]+|\\\n)`
const feed = String.raw`(?<feed>[\n\r]+)`
const digits = String.raw`\d(?:_?\d)*`
const power = String.raw`(?:[eE][-+]?\d+)?`
const integer = String.raw`0[xX](?:_?[\da-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+`
const number = `(?<number>${integer}|(?:${digits})?\\.${digits}${power}|${digits}\\.?${power})`
const name = '(?<name>[A-Za-z_][A-Za-z_0-9]*)'
const sign = String.raw`(?<sign>\*\*|\/\/|<<|>>|<=|>=|==|!=|[-+*/%()<>,.])`
const pattern = new RegExp([blank, feed, number, name, sign].join('|'), 'y')

/** The words of an expression; the last one is its end. Throws FormulaError for what is none. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  let depth = 0
  pattern.lastIndex = 0
  for (let at = 0; at < text.length; at = pattern.lastIndex) {
    const groups = pattern.exec(text)?.groups
    if (groups === undefined) throw new FormulaError(`"${text.charAt(at)}" has no meaning here`, at)
    const { feed, number, name, sign } = groups
    if (feed !== undefined && depth === 0) {
      // Python allows line ends only inside parentheses, and at the end.
      if (text.slice(at).trim() === '') break
      throw new FormulaError('the line ends within the expression', at)
    }
    if (sign === '(') depth++
    if (sign === ')') depth--
    if (number !== undefined) tokens.push(numberToken(number, at, text))
    if (name !== undefined) tokens.push({ kind: 'name', text: name, at })
    if (sign !== undefined) tokens.push({ kind: 'sign', text: sign, at })
  }
  return [...tokens, { kind: 'end', text: '', at: text.length }]
}

function numberToken(written: string, at: number, text: string): Token {
  const digits = written.replaceAll('_', '')
  const isFloat = /[.]|^\d+[eE]/.test(digits)
  if (!isFloat && /^0\d*[1-9]/.test(digits)) throw new FormulaError(`"${written}" has a leading zero`, at)
  if (/[A-Za-z_\d]/.test(text.charAt(at + written.length)))
    throw new FormulaError(`"${written}" is followed by a letter`, at)
  return { kind: 'number', text: written, at, value: isFloat ? Number(digits) : BigInt(digits) }
}
