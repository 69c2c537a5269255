import { binary, EvaluationError, holds, isTrue, negated, numeric } from './arithmetic.js'
import { FormulaError } from './formula-error.js'
import { constants, functions } from './functions.js'
import { type Token, tokensOf, type Value } from './tokens.js'

/** What the names of a formula stand for. */
export interface Names {
  /** `ban.Time`: seconds. */
  time: Value
  /** `ban.Count`: previous bans. */
  count: Value
  /** `banFactor` */
  factor: Value
  /** In [0, 1). */
  random(): number
}

/** A parsed formula. What it gives for these names; undefined where Python would raise an exception. */
export type Formula = (names: Names) => number | bigint | undefined

/** Longer ones are refused, and so is nesting beyond `depthMax`: the parser and what it makes recurse. */
const lengthMax = 2000
const depthMax = 50

/**
 * Reads an expression in Python's syntax as `bantime.formula` and `bantime.factor` hold it (spec 5.5): numbers, arithmetic, shifts,
 * comparisons, `and or not`, `a if c else b`, some functions, and these names. Nothing else can be expressed, so nothing is ever executed.
 */
export function parseFormula(
  text: string,
  options: { names: readonly ('ban.Time' | 'ban.Count' | 'banFactor')[] },
): { formula: Formula } | { problem: { message: string; at: number } } {
  try {
    if (text.length > lengthMax)
      throw new FormulaError(`the expression has more than ${lengthMax} characters`, lengthMax)
    const parsed = new Parser(tokensOf(text), new Set(options.names)).whole()
    return { formula: (names) => evaluated(parsed, names) }
  } catch (error) {
    if (!(error instanceof FormulaError)) throw error
    return { problem: { message: error.message, at: error.at } }
  }
}

/** A part of the expression, ready to be worked out. */
type Part = (names: Names) => Value

function evaluated(part: Part, names: Names): number | bigint | undefined {
  try {
    return numeric(part(names))
  } catch (error) {
    if (error instanceof EvaluationError) return undefined
    throw error
  }
}

/** Python's grammar from the loosest binding to the tightest; one method for each level. */
class Parser {
  readonly #tokens: readonly Token[]
  readonly #names: ReadonlySet<string>
  #at = 0
  #depth = 0

  constructor(tokens: readonly Token[], names: ReadonlySet<string>) {
    this.#tokens = tokens
    this.#names = names
  }

  whole(): Part {
    const part = this.#conditional()
    if (this.#token.kind !== 'end') throw this.#unexpected()
    return part
  }

  #conditional(): Part {
    return this.#nested(() => {
      const then = this.#or()
      if (!this.#take('if')) return then
      const condition = this.#or()
      if (!this.#take('else')) throw this.#unexpected('"else"')
      const otherwise = this.#conditional()
      return (names) => (isTrue(condition(names)) ? then(names) : otherwise(names))
    })
  }

  #or(): Part {
    return this.#untilEnough('or', isTrue, () => this.#and())
  }

  #and(): Part {
    return this.#untilEnough(
      'and',
      (value) => !isTrue(value),
      () => this.#not(),
    )
  }

  /** The first operand whose value is enough, else the last. What stands behind it is not worked out. */
  #untilEnough(word: string, isEnough: (value: Value) => boolean, operand: () => Part): Part {
    let part = operand()
    while (this.#take(word)) {
      const [left, right] = [part, operand()]
      part = (names) => {
        const value = left(names)
        return isEnough(value) ? value : right(names)
      }
    }
    return part
  }

  #not(): Part {
    if (!this.#take('not')) return this.#comparison()
    const part = this.#nested(() => this.#not())
    return (names) => !isTrue(part(names))
  }

  /** `a < b < c` means `a < b and b < c`. */
  #comparison(): Part {
    const first = this.#shift()
    const others: { sign: string; part: Part }[] = []
    for (let sign = this.#taken(comparisons); sign !== undefined; sign = this.#taken(comparisons))
      others.push({ sign, part: this.#shift() })
    if (others.length === 0) return first
    return (names) => {
      let left = first(names)
      return others.every(({ sign, part }) => {
        const right = part(names)
        const isSo = holds(sign, left, right)
        left = right
        return isSo
      })
    }
  }

  #shift(): Part {
    return this.#leftToRight(['<<', '>>'], () => this.#sum())
  }

  #sum(): Part {
    return this.#leftToRight(['+', '-'], () => this.#product())
  }

  #product(): Part {
    return this.#leftToRight(['*', '/', '//', '%'], () => this.#signed())
  }

  #leftToRight(signs: readonly string[], operand: () => Part): Part {
    let part = operand()
    for (let sign = this.#taken(signs); sign !== undefined; sign = this.#taken(signs)) {
      const [left, by, right] = [part, sign, operand()]
      part = (names) => binary(by, left(names), right(names))
    }
    return part
  }

  #signed(): Part {
    const sign = this.#taken(['-', '+'])
    if (sign === undefined) return this.#power()
    const part = this.#nested(() => this.#signed())
    return sign === '-' ? (names) => negated(part(names)) : (names) => numeric(part(names))
  }

  /** Binds tighter than a sign before it, and looser than one behind it. */
  #power(): Part {
    const base = this.#atom()
    if (!this.#take('**')) return base
    const exponent = this.#nested(() => this.#signed())
    return (names) => binary('**', base(names), exponent(names))
  }

  #atom(): Part {
    const token = this.#token
    if (token.kind === 'number' && token.value !== undefined) {
      this.#at++
      const { value } = token
      return () => value
    }
    if (token.kind === 'name' && !keywords.has(token.text)) return this.#named()
    if (!this.#take('(')) throw this.#unexpected()
    const inner = this.#conditional()
    if (!this.#take(')')) throw this.#unexpected('")"')
    return inner
  }

  #named(): Part {
    const { at } = this.#token
    const name = this.#dottedName()
    if (this.#take('(')) return this.#call(name, at)
    if (this.#names.has(name)) return lookUp(name)
    const constant = constants.get(name)
    if (constant !== undefined) return () => constant
    const known = [...this.#names, ...constants.keys()].join(', ')
    throw new FormulaError(
      functions.has(name)
        ? `"${name}" is a function and needs ( )`
        : `there is no "${name}", only ${known} and functions`,
      at,
    )
  }

  #dottedName(): string {
    let name = this.#token.text
    this.#at++
    while (this.#take('.')) {
      if (this.#token.kind !== 'name') throw this.#unexpected('a name')
      name += `.${this.#token.text}`
      this.#at++
    }
    return name
  }

  #call(name: string, at: number): Part {
    const called = name === 'pow' ? pow : functions.get(name)
    if (called === undefined) {
      const known = [...functions.keys()].join(' ')
      throw new FormulaError(`there is no function "${name}", only ${known}`, at)
    }
    const args: Part[] = []
    while (!this.#take(')')) {
      if (args.length > 0 && !this.#take(',')) throw this.#unexpected('"," or ")"')
      // A comma may stand behind the last one.
      if (args.length > 0 && this.#take(')')) break
      args.push(this.#conditional())
    }
    if (args.length < called.argumentsMin || args.length > called.argumentsMax)
      throw new FormulaError(`"${name}" takes ${countText(called)}, not ${args.length}`, at)
    return (names) =>
      called.call(
        args.map((arg) => arg(names)),
        names.random,
      )
  }

  #nested<T>(work: () => T): T {
    if (++this.#depth > depthMax) throw new FormulaError(`nested deeper than ${depthMax}`, this.#token.at)
    const result = work()
    this.#depth--
    return result
  }

  get #token(): Token {
    return this.#tokens[this.#at] ?? { kind: 'end', text: '', at: 0 }
  }

  #take(text: string): boolean {
    return this.#taken([text]) !== undefined
  }

  #taken(texts: readonly string[]): string | undefined {
    const { kind, text } = this.#token
    if (kind === 'number' || kind === 'end' || !texts.includes(text)) return undefined
    this.#at++
    return text
  }

  #unexpected(wanted = 'a number, a name or "("'): FormulaError {
    const { kind, text, at } = this.#token
    return new FormulaError(`${kind === 'end' ? 'it ends' : `there is "${text}"`} where ${wanted} is expected`, at)
  }
}

const comparisons = ['<', '>', '<=', '>=', '==', '!=']
const keywords: ReadonlySet<string> = new Set(['if', 'else', 'and', 'or', 'not'])
const pow = { argumentsMin: 2, argumentsMax: 2, call: ([a = 0n, b = 0n]: readonly Value[]) => binary('**', a, b) }

function lookUp(name: string): Part {
  if (name === 'ban.Time') return ({ time }) => time
  return name === 'ban.Count' ? ({ count }) => count : ({ factor }) => factor
}

function countText({ argumentsMin, argumentsMax }: { argumentsMin: number; argumentsMax: number }): string {
  return argumentsMin === argumentsMax ? `${argumentsMin} arguments` : `${argumentsMin} to ${argumentsMax} arguments`
}
