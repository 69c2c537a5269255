import type { CharTest } from './machine-code.js'
import type { Anchor } from './syntax.js'

/** The text that the machine searches, in Python's characters: a surrogate pair is one. Positions are JavaScript's. */
export class SearchedText {
  readonly text: string
  /** One more than the last position whose character was looked at; the end of the text counts as one. */
  furthest = 0

  constructor(text: string) {
    this.text = text
  }

  /** The position behind the character at `at`, if it is in the set, or -1. */
  behind(set: CharTest, at: number): number {
    if (at >= this.furthest) this.furthest = at + 1
    if (at >= this.text.length) return -1
    const unit = this.text.charCodeAt(at)
    if (unit < 128) return set.ascii[unit] === 1 ? at + 1 : -1
    const code = this.text.codePointAt(at) ?? unit
    return set.others(code) ? at + (code > 0xffff ? 2 : 1) : -1
  }

  /** The position `count` characters before `at`; -1: before the begin. */
  before(at: number, count: number): number {
    let before = at
    for (let i = 0; i < count; i++) {
      if (before <= 0) return -1
      before -= before > 1 && isPair(this.text, before - 2) ? 2 : 1
    }
    return before
  }

  /** The position of the next character, whatever is at `at`. */
  next(at: number): number {
    return at + (at < this.text.length && isPair(this.text, at) ? 2 : 1)
  }

  isAt(anchor: Anchor, at: number): boolean {
    const { text } = this
    if (anchor === 'textStart') return at === 0
    if (anchor === 'lineStart') return at === 0 || text.charCodeAt(at - 1) === lineFeed
    this.#look(at)
    const isEnd = at === text.length
    if (anchor === 'textEnd' || isEnd) return isEnd
    if (text.charCodeAt(at) !== lineFeed) return false
    if (anchor === 'lineEnd') return true
    this.#look(at + 1)
    return at === text.length - 1
  }

  /** Whether a word begins or ends at `at`. */
  isBoundary(word: CharTest, at: number): boolean {
    return this.#isWord(word, this.before(at, 1)) !== this.#isWord(word, at)
  }

  /** As many units as `wanted` has, from `at` on. */
  pieceLike(wanted: string, at: number): string {
    this.#look(at + wanted.length)
    return this.text.slice(at, at + wanted.length)
  }

  #isWord(word: CharTest, at: number): boolean {
    return at >= 0 && this.behind(word, at) >= 0
  }

  #look(at: number): void {
    if (at >= this.furthest) this.furthest = at + 1
  }
}

const lineFeed = 10

function isPair(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00
}
