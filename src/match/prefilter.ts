import { unbrokenPieces } from './cut.js'
import type { Pattern } from './dialect/pattern.js'
import type { CompiledFilter } from './filter.js'
import { LiteralSearch } from './literal-search.js'
import { bestOf, type Literal, type Requirement, requirementsOf, scoreOf } from './literals.js'
import type { DateTemplate } from './timestamp/template.js'

/** A shorter literal is in too many lines. */
const scoreMin = 2.5

/**
 * Literals one of which stands in every line that a filter can have an answer for; undefined: there are none worth looking for.
 *
 * It may let lines through that do not match; it never holds one back that does: every match holds the literal (literals.ts), and the literal stands
 * unbroken in the line as it was written, date and all (cut.ts).
 */
export function requiredLiterals(filter: CompiledFilter): Requirement | undefined {
  const found = known.has(filter) ? known.get(filter) : findRequired(filter)
  known.set(filter, found)
  return found
}

// Each log of a jail asks, and working it out takes milliseconds.
const known = new WeakMap<CompiledFilter, Requirement | undefined>()

function findRequired(filter: CompiledFilter): Requirement | undefined {
  // A window of several lines must see them all.
  if (filter.maxlines > 1) return undefined
  const ofPrefix = filter.prefix && requirementOf(filter.prefix.pattern, filter.templates)
  const each = [...filter.fail, ...filter.success].map(({ pattern }) => requirementOf(pattern, filter.templates))
  const ofFail = each.every((requirement) => requirement !== undefined) ? withoutCovered(each.flat()) : undefined
  return bestOf([ofPrefix, ofFail].filter((requirement) => requirement !== undefined))
}

/** What of a log is looked at to learn which characters are common in it. */
const sampleLength = 16_384

/** Looks for the next place where one of the literals stands. */
export class Prefilter {
  readonly #literals: Requirement
  readonly #only: string | undefined
  #search: LiteralSearch | undefined

  constructor(literals: Requirement) {
    this.#literals = literals
    const [only] = literals
    const isOne = literals.length === 1 && only?.every((codes) => codes.length === 1)
    this.#only = isOne ? only?.map((codes) => String.fromCharCode(codes[0] ?? 0)).join('') : undefined
  }

  /** A place inside a literal, at or behind `from`; -1: there is none. A literal holds no line feed, so any place in it is in its line. */
  next(text: string, from: number): number {
    if (this.#only !== undefined) return text.indexOf(this.#only, from)
    this.#search ??= new LiteralSearch(this.#literals, text.slice(0, sampleLength))
    return this.#search.next(text, from)
  }
}

function requirementOf(pattern: Pattern, templates: readonly DateTemplate[]): Requirement | undefined {
  const safe = requirementsOf(pattern.syntax.root).flatMap((requirement) => [
    requirement.map((literal) => longest(unbrokenPieces(literal, templates))),
    // Or both halves of each: one date cannot break both.
    requirement.flatMap((literal) => [literal.slice(0, literal.length >> 1), literal.slice(literal.length >> 1)]),
  ])
  const best = bestOf(safe)
  return best === undefined || scoreOf(best) < scoreMin ? undefined : best
}

const longest = (pieces: readonly Literal[]): Literal =>
  pieces.reduce((best, piece) => (piece.length > best.length ? piece : best), [])

/** Without literals that hold another one: finding the other is enough. */
export function withoutCovered(literals: Requirement): Requirement {
  const sources = literals.map(textOf)
  return literals.filter((_, i) => {
    const own = sources[i] ?? ''
    return !sources.some((other, j) => j !== i && (other === own ? j < i : own.includes(other)))
  })
}

/** The literal as one text, in which another one's text is found only where all its characters are the same. */
const textOf = (literal: Literal): string => `;${literal.map((codes) => codes.join(',')).join(';')};`
