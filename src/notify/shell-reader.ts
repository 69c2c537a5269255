import { tagPattern } from '../lib/tag.js'

/** A piece of text, or a `<tag>` to be filled in later. */
export type TextPiece = { text: string } | { tag: string }

/** One word of a command. */
export type Word = readonly TextPiece[]

const blank = /(?:[ \t]|\\\n)*/y
const blankOrLine = /(?:[ \t\n]|\\\n)*/y
/** What a word may have outside of quotes: nothing that a shell would do anything with. */
const plain = /[^\s"'`\\$|&;()<>*?[\]{}~#!]+/y
const tag = new RegExp(tagPattern, 'y')

/**
 * Reads a shell text of the few forms that an action for mails has. Everything that a shell would do more with (variables, globs,
 * redirections) is not read: the reader says undefined, and the action is left to a shell.
 */
export class ShellReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length
  }

  skipBlanks(): void {
    this.take(blank)
  }

  skipLines(): void {
    this.take(blankOrLine)
  }

  /** `pattern` has the flag `y`. */
  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match === null) return undefined
    this.#at += match[0].length
    return match
  }

  /** A word, in quotes or not, with the blanks before it. Undefined: there is none that we understand, or the command is over. */
  word(): Word | undefined {
    this.skipBlanks()
    const pieces: TextPiece[] = []
    let isWord = false
    for (;;) {
      const piece = this.take(plain) ?? this.take(tag)
      const quoted = piece ? undefined : (this.#singleQuoted() ?? this.#doubleQuotedText())
      const text = piece?.[0] ?? quoted
      if (text === undefined) return isWord ? pieces : undefined
      pieces.push(...textPieces(text))
      isWord = true
    }
  }

  /** What is in double quotes, as the shell gives it to a command; `inner` reads what is in backticks. */
  doubleQuoted<T>(inner: (command: string) => T | undefined): (T | { raw: string })[] | undefined {
    const start = this.#at
    if (!this.take(/"/y)) return undefined
    const pieces: (T | { raw: string })[] = []
    for (;;) {
      const raw = this.take(/(?:[^"`\\$]|\\[\s\S])+/y)
      if (raw) {
        pieces.push({ raw: raw[0].replace(/\\(?:\n|([$`"\\]))/g, (_, one = '') => one) })
        continue
      }
      if (this.take(/"/y)) return pieces
      const command = this.take(/`((?:[^`\\]|\\[\s\S])*)`/y)?.[1]
      const read = command === undefined ? undefined : inner(command.replace(/\\([$`"\\])/g, '$1'))
      if (read === undefined) {
        this.#at = start
        return undefined
      }
      pieces.push(read)
    }
  }

  #singleQuoted(): string | undefined {
    return this.take(/'([^']*)'/y)?.[1]
  }

  #doubleQuotedText(): string | undefined {
    return this.doubleQuoted<never>(() => undefined)
      ?.map(({ raw }) => raw)
      .join('')
  }
}

/** The text with its tags apart. */
export function textPieces(text: string): TextPiece[] {
  const parts = text.split(tagPattern)
  return parts.flatMap((part, at): TextPiece[] =>
    at % 2 === 1 ? [{ tag: part }] : part === '' ? [] : [{ text: part }],
  )
}
