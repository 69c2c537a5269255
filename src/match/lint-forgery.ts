import { SearchTooLong } from './dialect/machine.js'
import type { Match, Pattern } from './dialect/pattern.js'
import type { Repeat } from './dialect/syntax.js'
import { idGroups } from './filter.js'
import { type Piece, samplePieces, takesAll, textOf, type Variant } from './lint-sample.js'

/**
 * How somebody who may write a part of a line can name another than himself. `field`: by what a field of the pattern takes anyway; `leftOpen`: by what
 * stands behind, where the pattern does not ask for the end; `delimiter`: by ending the field himself, if the program that logs lets him write the
 * character that ends it; `cut`: by a text so long that the program cuts the line behind it.
 */
export type ForgeryKind = 'field' | 'leftOpen' | 'delimiter' | 'cut'

export interface Forgery {
  kind: ForgeryKind
  /** A line (or content) of `peer`, who wrote a part of it; the pattern finds `victim`. */
  line: string
}

// Of the ranges for documentation (RFC 5737).
export const peer = '192.0.2.1'
export const victim = '198.51.100.66'

/** Programs cut at 500 (sshd) or 1024 (syslog, RFC 3164) characters or so: a field that takes less cannot fill a line. */
const cutLengthMin = 190

const variants: readonly Variant[] = [
  { branch: 'first', takesOptional: false },
  { branch: 'first', takesOptional: true },
  { branch: 'last', takesOptional: false },
  { branch: 'last', takesOptional: true },
]

/** Builds lines that name a victim, tries them on the pattern, and returns one of each kind that worked. */
export function findForgeries(pattern: Pattern): Map<ForgeryKind, Forgery> {
  const found = new Map<ForgeryKind, Forgery>()
  for (const variant of variants) {
    const pieces = samplePieces(pattern.syntax.root, variant)
    const at = pieces.findIndex(({ kind }) => kind === 'address')
    const model = textOf(pieces, peer)
    if (at < 0 || named(pattern, model) !== peer) continue
    const isLeftOpen = named(pattern, `${model} and more`) === peer
    for (const { kind, line } of attempts(pieces, at, isLeftOpen)) {
      if (!found.has(kind) && named(pattern, line) === victim) found.set(kind, { kind, line })
    }
  }
  return found
}

function* attempts(pieces: readonly Piece[], at: number, isLeftOpen: boolean): Generator<Forgery> {
  const tail = textOf(pieces.slice(at + 1), '')
  const last = pieces.at(-1)
  const namesUser = pieces.some((piece) => piece.kind === 'field' && piece.isUser)
  for (const [i, piece] of pieces.slice(0, at).entries()) {
    if (piece.kind !== 'field') continue
    const upTo = textOf(pieces.slice(0, i + 1), peer)
    const behind = textOf(pieces.slice(i + 1), peer)
    const claim = textOf(pieces.slice(i + 1, at + 1), victim) + tail
    const isWithin = takesAll(piece.repeat, claim)
    const kind = isWithin ? 'field' : 'delimiter'
    if (
      isWithin ||
      (isLeftOpen && isForeign(piece, upTo, namesUser) && needsOnly(claim.charAt(0), piece.repeat, claim))
    ) {
      yield { kind, line: upTo + claim + behind }
      yield { kind, line: `${upTo}${claim} ${behind}` }
    }
    if (!isWithin) continue
    if (last?.kind === 'field' && takesAll(last.repeat, claim)) yield { kind: 'field', line: upTo + behind + claim }
    if (isLeftOpen) yield { kind: 'leftOpen', line: `${upTo}${behind} x${claim}` }
    if (piece.repeat.max >= cutLengthMin) yield { kind: 'cut', line: upTo + claim }
  }
}

/** Whether the field takes the text but for one character, that with which it ends. */
const needsOnly = (ending: string, repeat: Repeat, text: string): boolean =>
  takesAll(repeat, text.replaceAll(ending, ''))

/**
 * Whether a field holds what somebody else chose: a user name, or, in a pattern that names no user, what stands in quotes. Blanks and letters must go
 * into it.
 */
function isForeign({ repeat, isUser }: Extract<Piece, { kind: 'field' }>, upTo: string, namesUser: boolean): boolean {
  const quote = upTo.at(-2)
  const isQuoted = (quote === '"' || quote === "'") && !takesAll(repeat, quote)
  return (isUser || (isQuoted && !namesUser)) && takesAll(repeat, 'a b')
}

/** Whom a line names. */
function named(pattern: Pattern, line: string): string | undefined {
  const match = search(pattern, `${line}\n`)
  if (match === null) return undefined
  for (const name of idGroups) {
    const text = match[pattern.slots.get(name) ?? -1]
    if (text !== undefined) return text
  }
  return undefined
}

/** Null too where the search takes too long. */
function search(pattern: Pattern, text: string): Match | null {
  try {
    return pattern.exec(text, true)
  } catch (error) {
    if (error instanceof SearchTooLong) return null
    throw error
  }
}
