import { asciiMembers } from './dialect/char-class.js'
import { edgeCharacters, others } from './dialect/edges.js'
import type { Node } from './dialect/syntax.js'
import { widthOf } from './dialect/width.js'
import type { Literal } from './literals.js'
import type { DateTemplate } from './timestamp/template.js'

/** What can stand beside the text that a date template cuts out of a line; lists of claims as in edges.ts, undefined: anything. */
interface Cut {
  left: readonly boolean[] | undefined
  right: readonly boolean[] | undefined
  /** How many characters can be before the cut. */
  leftMax: number
}

/**
 * Splits a literal of a pattern into pieces each of which stands unbroken in the original line, wherever the date was cut out.
 *
 * Patterns search the line without its date, so the two sides of the cut meet there, and a literal may lie across (`[]LOGIN` for
 * `[2005-08-14 …]LOGIN`). But what is beside a date is not arbitrary: a template that ends at a word's end has no letter behind it, one that is anchored
 * has next to nothing before it. Where no template could have been cut out, the literal is whole.
 */
export function unbrokenPieces(literal: Literal, templates: readonly DateTemplate[]): Literal[] {
  const cuts = templates.map(cutOf)
  const pieces: Literal[] = []
  let begin = 0
  for (let at = 1; at <= literal.length; at++) {
    if (at < literal.length && !cuts.some((cut) => mayPart(cut, literal, at))) continue
    pieces.push(literal.slice(begin, at))
    begin = at
  }
  return pieces
}

/** Whether a date may have been cut out before the literal's character `at`. */
function mayPart(cut: Cut, literal: Literal, at: number): boolean {
  if (at > cut.leftMax) return false
  const before = cut.leftMax === Number.POSITIVE_INFINITY ? literal.slice(at - 1, at) : literal.slice(0, at)
  return before.every((codes) => mayStand(cut.left, codes)) && mayStand(cut.right, literal[at] ?? [])
}

const mayStand = (claims: readonly boolean[] | undefined, codes: readonly number[]): boolean =>
  claims === undefined || codes.some((code) => claims[Math.min(code, others)] ?? true)

const known = new WeakMap<DateTemplate, Cut>()

function cutOf(template: DateTemplate): Cut {
  const cut = known.get(template) ?? findCut(template.pattern.syntax.root)
  known.set(template, cut)
  return cut
}

function findCut(root: Node): Cut {
  const items = root.type === 'sequence' ? root.items : [root]
  const at = items.findIndex((item) => item.type === 'capture' && item.index === 1)
  const group = items[at]
  if (group === undefined) return { left: undefined, right: undefined, leftMax: Number.POSITIVE_INFINITY }
  return { ...leftOf(items.slice(0, at), group), right: rightOf(items.slice(at + 1), group) }
}

function leftOf(before: readonly Node[], group: Node): Pick<Cut, 'left' | 'leftMax'> {
  const [first] = before
  const last = before.at(-1)
  const isAnchored = first?.type === 'anchor' && first.at === 'textStart'
  const width = widthOf({ type: 'sequence', items: before })
  if (isAnchored && width.max <= 2) return { left: charactersIn(before.slice(1)), leftMax: width.max }
  const leftMax = Number.POSITIVE_INFINITY
  if (last?.type === 'char' || last?.type === 'set') return { left: edgeCharacters(last, 'last'), leftMax }
  // The boundary `(?=^|\b|\W)`: a word begins there, or something that is no word.
  return {
    left: last?.type === 'look' && isWordBoundary(last) && isWord(group, 'first') ? nonWords : undefined,
    leftMax,
  }
}

function rightOf(behind: readonly Node[], group: Node): readonly boolean[] | undefined {
  const [next] = behind
  if (next?.type === 'char' || next?.type === 'set') return edgeCharacters(next, 'first')
  return next?.type === 'look' && isWordBoundary(next) && isWord(group, 'last') ? nonWords : undefined
}

/** All characters that may occur in these items. */
function charactersIn(items: readonly Node[]): boolean[] | undefined {
  const all = new Array<boolean>(others + 1).fill(false)
  for (const item of items) {
    const inner = item.type === 'repeat' ? item.body : item
    const of = inner.type === 'repeat' ? inner.body : inner
    if (of.type !== 'char' && of.type !== 'set') return undefined
    for (const [code, is] of asciiMembers(of).entries()) if (is) all[code] = true
    all[others] = true
  }
  return all
}

const wordClaims = Array.from({ length: others }, (_, code) => /\w/.test(String.fromCharCode(code)))

const nonWords: readonly boolean[] = [...wordClaims.map((is) => !is), true]

/** Whether all that the group can begin or end with are word characters, so that a word boundary has none of them on its other side. */
function isWord(group: Node, edge: 'first' | 'last'): boolean {
  const claims = edgeCharacters(group, edge, takesOtherNonWords)
  return (
    claims !== undefined &&
    !claims[others] &&
    wordClaims.every((isWordCharacter, code) => isWordCharacter || !claims[code])
  )
}

/** Whether the node may take a character outside ASCII that is no word character. Digits and letters of all scripts are word characters. */
function takesOtherNonWords(node: Extract<Node, { type: 'char' | 'set' | 'any' }>): boolean {
  if (node.type === 'any') return true
  if (node.type === 'char') return node.code >= others
  return (
    node.negated ||
    node.items.some((item) => ('kind' in item ? item.negated || item.kind === 'space' : item.hi >= others))
  )
}

/** `(?=\b|\W|$)` or `(?=^|\b|\W)`. */
function isWordBoundary(look: Extract<Node, { type: 'look' }>): boolean {
  if (!look.ahead || look.negated || look.body.type !== 'choice') return false
  return look.body.branches.every(
    (branch) => branch.type === 'anchor' || (branch.type === 'boundary' && !branch.negated) || isNonWord(branch),
  )
}

const isNonWord = (node: Node): boolean => {
  const [item] = node.type === 'set' && !node.negated && node.items.length === 1 ? node.items : []
  return item !== undefined && 'kind' in item && item.kind === 'word' && item.negated
}
