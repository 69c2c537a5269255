import { escapeAscii } from './dialect/char-class.js'
import type { Pattern } from './dialect/pattern.js'
import type { CompiledFilter } from './filter.js'
import { bestOf, type Literal, type Requirement, requirementsOf, scoreOf } from './literals.js'
import type { DateTemplate } from './timestamp/template.js'

/** A shorter literal is in too many lines. */
const scoreMin = 2.5

/**
 * Literals one of which stands in every line that a filter can have an answer for; undefined: there are none worth looking for.
 *
 * It may let lines through that do not match; it never holds one back that does, and this is why. Patterns search the line without its date, so a literal of the pattern
 * may stand in the line with the date in its middle. A line has one date. Where it is cut out at the begin, with no more than two characters that are no word characters
 * before it, only such characters can be parted from a literal: they are left off. Where the date may stand anywhere, two literals that do not overlap are looked for, or
 * the two halves of one: the cut cannot break both.
 */
export function requiredLiterals(filter: CompiledFilter): Requirement | undefined {
  // A window of several lines must see them all.
  if (filter.maxlines > 1) return undefined
  const isCutAtBegin = filter.templates.every(cutsAtBegin)
  const ofPrefix = filter.prefix && requirementOf(filter.prefix.pattern, isCutAtBegin)
  const each = filter.fail.map(({ pattern }) => requirementOf(pattern, isCutAtBegin))
  const ofFail = each.every((requirement) => requirement !== undefined) ? merged(each.flat()) : undefined
  return bestOf([ofPrefix, ofFail].filter((requirement) => requirement !== undefined))
}

/** Looks for the next place where one of the literals stands. */
export class Prefilter {
  readonly #literal: string | undefined
  readonly #pattern: RegExp

  constructor(literals: Requirement) {
    const [only] = literals
    const isOne = literals.length === 1 && only?.every((codes) => codes.length === 1)
    this.#literal = isOne ? only?.map((codes) => String.fromCharCode(codes[0] ?? 0)).join('') : undefined
    this.#pattern = new RegExp(literals.map(sourceOf).join('|'), 'g')
  }

  /** Where a literal begins, at or behind `from`; -1: nowhere. */
  next(text: string, from: number): number {
    if (this.#literal !== undefined) return text.indexOf(this.#literal, from)
    this.#pattern.lastIndex = from
    // Any place inside the literal does: it holds no line feed.
    return this.#pattern.test(text) ? this.#pattern.lastIndex - 1 : -1
  }
}

function requirementOf(pattern: Pattern, isCutAtBegin: boolean): Requirement | undefined {
  const all = requirementsOf(pattern.syntax.root)
  const safe = isCutAtBegin ? all.map((requirement) => requirement.map(withoutBegin)) : unbreakable(all)
  const best = bestOf(safe)
  return best === undefined || scoreOf(best) < scoreMin ? undefined : best
}

/** Without up to two characters at the begin that may be no word characters: they can be parted from the rest by a date. */
function withoutBegin(literal: Literal): Literal {
  let skip = 0
  while (skip < 2 && literal[skip]?.some((code) => !/\w/.test(String.fromCharCode(code)))) skip++
  return literal.slice(skip)
}

/** Pairs of requirements that do not overlap, and the halves of each. */
function unbreakable(all: readonly Requirement[]): Requirement[] {
  const halves = all.map((requirement) =>
    requirement.flatMap((literal) => {
      const middle = literal.length >> 1
      return [literal.slice(0, middle), literal.slice(middle)]
    }),
  )
  const [first, second] = [...all].sort((a, b) => scoreOf(b) - scoreOf(a))
  return first === undefined || second === undefined ? halves : [...halves, [...first, ...second]]
}

/** Without literals that hold another one: finding the other is enough. */
function merged(literals: Requirement): Requirement {
  const sources = literals.map(sourceOf)
  return literals.filter((_, i) => {
    const own = sources[i] ?? ''
    return !sources.some((other, j) => j !== i && (other === own ? j < i : own.includes(other)))
  })
}

function sourceOf(literal: Literal): string {
  return literal
    .map((codes) => (codes.length === 1 ? characterSource(codes[0] ?? 0) : `[${codes.map(hex).join('')}]`))
    .join('')
}

const characterSource = (code: number): string => (code < 128 ? escapeAscii(code) : hex(code))

const hex = (code: number): string => `\\u${code.toString(16).padStart(4, '0')}`

/** Whether what the template cuts out begins within the first three characters, behind none but non-word characters. */
function cutsAtBegin(template: DateTemplate): boolean {
  const { root } = template.pattern.syntax
  const items = root.type === 'sequence' ? root.items : [root]
  const at = items.findIndex((item) => item.type === 'capture' && item.index === 1)
  const [anchor, ...before] = items.slice(0, Math.max(0, at))
  if (anchor?.type !== 'anchor' || anchor.at !== 'textStart') return false
  return (
    before.length === 0 ||
    (before.length === 1 &&
      before[0]?.type === 'repeat' &&
      template.name.startsWith('{^LN-BEG}') &&
      isFewNonWords(before[0]))
  )
}

/** `(?:\W{0,2})?`, which the line-begin form of a template has in front. */
function isFewNonWords(
  node: Extract<CompiledFilter['templates'][number]['pattern']['syntax']['root'], { type: 'repeat' }>,
): boolean {
  const { body, max } = node
  if (max !== 1 || body.type !== 'repeat' || body.max > 2 || body.body.type !== 'set') return false
  const { items, negated } = body.body
  const [item] = items
  return !negated && items.length === 1 && item !== undefined && 'kind' in item && item.kind === 'word' && item.negated
}
