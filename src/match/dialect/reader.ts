import { PatternError } from './syntax.js'

/** Reads a pattern token by token: a character, or a backslash with the character behind it. Positions count code points, as Python's. */
export class PatternReader {
  /** The token ahead; undefined at the end. */
  next: string | undefined
  readonly #chars: readonly string[]
  #index = 0

  constructor(pattern: string) {
    this.#chars = [...pattern]
    this.#advance()
  }

  /** Position of the token ahead. */
  get position(): number {
    return this.#index - (this.next === undefined ? 0 : [...this.next].length)
  }

  take(): string | undefined {
    const token = this.next
    this.#advance()
    return token
  }

  accept(token: string): boolean {
    if (this.next !== token) return false
    this.#advance()
    return true
  }

  takeWhile(most: number, isWanted: (token: string) => boolean): string {
    let text = ''
    for (let i = 0; i < most && this.next !== undefined && isWanted(this.next); i++) text += this.take()
    return text
  }

  /** The text up to `terminator`, which is taken too. */
  takeUntil(terminator: string, what: string): string {
    let text = ''
    for (;;) {
      const token = this.take()
      if (token === undefined)
        throw this.error(text === '' ? `missing ${what}` : `missing ${terminator}, unterminated name`, text.length)
      if (token === terminator) break
      text += token
    }
    if (text === '') throw this.error(`missing ${what}`, 1)
    return text
  }

  seek(position: number): void {
    this.#index = position
    this.#advance()
  }

  /** An error that is `back` characters before the token ahead. */
  error(message: string, back = 0): PatternError {
    return new PatternError(message, this.position - back)
  }

  #advance(): void {
    const char = this.#chars[this.#index]
    if (char === undefined) {
      this.next = undefined
      return
    }
    if (char !== '\\') {
      this.#index++
      this.next = char
      return
    }
    const escaped = this.#chars[this.#index + 1]
    if (escaped === undefined) throw new PatternError('bad escape (end of pattern)', this.#chars.length - 1)
    this.#index += 2
    this.next = char + escaped
  }
}

export const isDigit = (token: string): boolean => token >= '0' && token <= '9' && token.length === 1
export const isOctalDigit = (token: string): boolean => token >= '0' && token <= '7' && token.length === 1
export const isHexDigit = (token: string): boolean => /^[0-9a-fA-F]$/.test(token)
