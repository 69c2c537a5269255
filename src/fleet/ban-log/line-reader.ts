import { type PlainBan, parsePlainLine } from './plain-line.js'
import { lineCharsMax, parseSignedLine, type SignedLine } from './signed-line.js'

/** What a line turned out to be. */
export type ReadLine =
  | ({ kind: 'signed' } & SignedLine)
  | ({ kind: 'plain' } & PlainBan)
  /** Torn, or fused with another one, or looking like a ban without being one: nothing in it is believed. */
  | { kind: 'damaged' }
  /** A whole plain line, near to damaged ones: half of it may be another's. */
  | { kind: 'doubtful' }
  /** None of this log's: what programs complain of, remarks. */
  | { kind: 'other' }

/**
 * How many lines after a fused one the ends of what was torn may still come. A line torn in the middle of its address, with the end of another one behind it, would
 * read as a whole line of a wrong address; it takes a fused line before it to come about, as each begin without an end has run into another begin.
 */
const doubtLines = 16

/** Reads the lines of a shared log one after the other. Of ten writers over SSHFS one line in a few hundred is torn (a write that crosses a page is two). */
export class LineReader {
  #doubt = 0

  /** `line`: without its line feed. Hostile text, in any encoding that leaves ASCII as it is. */
  read(line: string, nowMs: number): ReadLine {
    if (this.#doubt > 0) this.#doubt--
    const text = line.endsWith('\r') ? line.slice(0, -1) : line
    const begins = beginsIn(text)
    if (begins === 0) return torn.test(text) ? this.#damaged() : { kind: 'other' }
    const signed = begins === 1 && isSound(text) ? parseSignedLine(text) : undefined
    // A signature is over the whole of it: whatever stands around, it cannot be another's.
    if (signed !== undefined) return { kind: 'signed', ...signed }
    const plain = begins === 1 && isSound(text) && !ours.test(text) ? parsePlainLine(text, nowMs) : undefined
    if (plain === undefined) return this.#damaged()
    return this.#doubt > 0 ? { kind: 'doubtful' } : { kind: 'plain', ...plain }
  }

  #damaged(): ReadLine {
    this.#doubt = doubtLines
    return { kind: 'damaged' }
  }
}

/** A signed line's tag: when it cannot be read as one, it is no plain line either. */
const ours = /^\S+ +\S+ \S+ tocsin\.[^\s[:]*\./
/** What is left of a line whose begin is elsewhere. */
const torn = /PORT \S{1,64} ?$/

function beginsIn(text: string): number {
  let begins = 0
  for (const word of ['HOST ', '#TELL '])
    for (let at = text.indexOf(word); at >= 0 && begins < 2; at = text.indexOf(word, at + 1)) begins++
  return begins
}

/** Printable ASCII, of a line's length. */
function isSound(text: string): boolean {
  return text.length <= lineCharsMax && /^[ -~]*$/.test(text)
}
