/** Nesting beyond this is refused: the reader below recurses. */
const depthMax = 50

/**
 * The value of an arithmetic expression with Python's meaning: numbers, `+ - * / // % **`, signs, parentheses.
 * Undefined for everything else; nothing is ever executed.
 */
export function evaluateArithmetic(text: string): number | undefined {
  const tokens = tokensOf(text)
  if (tokens === undefined || tokens.length === 0) return undefined
  const reader = new Reader(tokens)
  const value = reader.sum(0)
  return reader.isAtEnd ? value : undefined
}

/** A line end is a token nobody takes: it ends the expression in Python. */
function tokensOf(text: string): string[] | undefined {
  const tokens = text.match(/\d+\.?\d*|\.\d+|\*\*|\/\/|[-+*/%()]|\n|[^\s]/g) ?? []
  const isKnown = (token: string) => /^(?:(?:0|[1-9]\d*|0+)|\d+\.\d*|\.\d+|\*\*|\/\/|[-+*/%()])$/.test(token)
  return tokens.every(isKnown) ? tokens : undefined
}

/** Undefined, once met, is the result of everything around it. */
class Reader {
  readonly #tokens: readonly string[]
  #at = 0

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens
  }

  get isAtEnd(): boolean {
    return this.#at === this.#tokens.length
  }

  sum(depth: number): number | undefined {
    if (depth > depthMax) return undefined
    let value = this.#product(depth)
    for (let sign = this.#take('+', '-'); sign; sign = this.#take('+', '-')) {
      value = apply(sign, value, this.#product(depth))
    }
    return value
  }

  #product(depth: number): number | undefined {
    let value = this.#signed(depth)
    for (let sign = this.#take('*', '/', '//', '%'); sign; sign = this.#take('*', '/', '//', '%')) {
      value = apply(sign, value, this.#signed(depth))
    }
    return value
  }

  #signed(depth: number): number | undefined {
    const sign = this.#take('+', '-')
    if (sign === undefined) return this.#power(depth)
    const value = depth > depthMax ? undefined : this.#signed(depth + 1)
    return value === undefined || sign === '+' ? value : -value
  }

  #power(depth: number): number | undefined {
    const base = this.#atom(depth)
    if (this.#take('**') === undefined) return base
    return apply('**', base, this.#signed(depth + 1))
  }

  #atom(depth: number): number | undefined {
    if (this.#take('(') !== undefined) {
      const value = this.sum(depth + 1)
      return this.#take(')') === undefined ? undefined : value
    }
    const token = this.#tokens[this.#at]
    if (token === undefined || !/^[\d.]/.test(token)) return undefined
    this.#at++
    return Number(token)
  }

  #take(...wanted: string[]): string | undefined {
    const token = this.#tokens[this.#at]
    if (token === undefined || !wanted.includes(token)) return undefined
    this.#at++
    return token
  }
}

function apply(sign: string, a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return undefined
  if (sign === '+') return a + b
  if (sign === '-') return a - b
  if (sign === '*') return a * b
  if (sign === '**') return a ** b
  if (b === 0) return undefined
  if (sign === '/') return a / b
  return sign === '//' ? Math.floor(a / b) : a - b * Math.floor(a / b)
}
