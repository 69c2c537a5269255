import { asciiClass, unicodeClass, unicodeWord } from './char-class.js'
import { emptyIsLast, excludesRest, type GroupFacts, hasLetters, indexesIn, isContextual } from './facts.js'
import type { Anchor, Capture, Node, Repeat } from './syntax.js'
import { widthOf } from './width.js'

/** For which texts: all ASCII (no flags, the classes of JavaScript's own), or any (flag `v`). */
export type Alphabet = 'ascii' | 'unicode'

export interface Translation {
  /** Source of a JavaScript regular expression without flags, or with `v`. */
  source: string
  /** JavaScript's group number by Python's; 0: not kept. */
  slots: number[]
  /** JavaScript's groups, whole match not counted. */
  slotCount: number
  /**
   * Whether V8 finds exactly what Python finds. If not, it finds a match wherever Python does (never later in the text), perhaps
   * elsewhere too, and with other groups: a first sieve before the machine decides.
   */
  isExact: boolean
}

/**
 * Writes a pattern as JavaScript.
 *
 * What JavaScript lacks is written with what it has: `(?>X)` as `(?=(X))\1`. Whether a group took part (`(?(1)a|b)`, a reference to it)
 * is asked by a helper group that holds the whole rest of the text from the group's begin: behind that begin such a text never fits
 * again, so `(?!\h)` holds exactly when the helper is set, for a reference to an unset group matches nothing and succeeds.
 */
export function translate(root: Node, facts: GroupFacts, alphabet: Alphabet): Translation {
  // First round: which groups must be asked about. Second: with helpers for those. Third, if need be: without what cannot be said.
  const survey = new Writer(facts, alphabet, new Set(), false)
  const first = survey.write(root)
  const exact = survey.asked.size === 0 ? survey : new Writer(facts, alphabet, survey.asked, false)
  const source = exact === survey ? first : exact.write(root)
  if (exact.isExact) return { source, slots: exact.slots, slotCount: exact.slotCount, isExact: true }
  const relaxed = new Writer(facts, alphabet, new Set(), true)
  return { source: relaxed.write(root), slots: relaxed.slots, slotCount: relaxed.slotCount, isExact: false }
}

class Writer {
  isExact = true
  slotCount = 0
  readonly slots: number[]
  /** Groups whose being set must be asked for. */
  readonly asked = new Set<number>()
  readonly #facts: GroupFacts
  readonly #alphabet: Alphabet
  readonly #helped: ReadonlySet<number>
  readonly #isRelaxed: boolean
  /** Slot of the helper of a group. */
  readonly #helpers = new Map<number, number>()
  /** Groups that have been written so far, and those that are set on every way to here. */
  readonly #written = new Set<number>()
  #always = new Set<number>()
  /** Groups inside the loops and lookbehinds that are open here. */
  #isInLookbehind = false

  constructor(facts: GroupFacts, alphabet: Alphabet, helped: ReadonlySet<number>, isRelaxed: boolean) {
    this.#facts = facts
    this.#alphabet = alphabet
    this.#helped = helped
    this.#isRelaxed = isRelaxed
    this.slots = new Array<number>(facts.groups + 1).fill(0)
  }

  write(node: Node): string {
    switch (node.type) {
      case 'char':
      case 'any':
      case 'set':
        return this.#alphabet === 'ascii' ? asciiClass(node) : unicodeClass(node)
      case 'anchor':
        return anchors[node.at]
      case 'boundary':
        return this.#alphabet === 'ascii' || node.ascii ? (node.negated ? '\\B' : '\\b') : unicodeBoundary(node.negated)
      case 'sequence':
        return node.items.map((item, i) => this.#item(item, node.items.slice(i + 1))).join('')
      case 'choice':
        return this.#branches(node.branches).join('|')
      case 'repeat':
        return this.#repeat(node, [])
      case 'capture':
        return this.#capture(node)
      case 'atomic':
        return this.#atomic(node.body)
      case 'look':
        return this.#look(node)
      case 'reference':
        return this.#reference(node)
      case 'conditional':
        return this.#conditional(node)
      default:
        return node satisfies never
    }
  }

  /** Writes an item of a sequence; `rest` is what follows it there. */
  #item(item: Node, rest: readonly Node[]): string {
    if (item.type === 'choice') return `(?:${this.write(item)})`
    return item.type === 'repeat' ? this.#repeat(item, rest) : this.write(item)
  }

  /** Writes ways of which one is taken: what is set behind them is what all of them set. */
  #branches(branches: readonly Node[]): string[] {
    const before = this.#always
    let after: Set<number> | undefined
    const sources = branches.map((branch) => {
      this.#always = new Set(before)
      const source = this.write(branch)
      const now = this.#always
      after = after === undefined ? now : new Set([...after].filter((index) => now.has(index)))
      return source
    })
    this.#always = after ?? before
    return sources
  }

  #repeat(node: Repeat, rest: readonly Node[]): string {
    if (node.mode === 'possessive') return this.#atomic({ ...node, mode: 'greedy' })
    const inside = indexesIn(node.body).filter((index) => this.#facts.kept.has(index))
    const before = new Set(this.#always)
    const body = this.write(node.body)
    // JavaScript forgets the groups of a loop at the begin of each round, Python keeps those of an earlier one.
    if (node.max > 1 && inside.some((index) => !this.#always.has(index))) this.isExact = false
    const isOrderSeen = !emptyIsLast(node.body) && !excludesRest(node.body, rest)
    const mayTakeNothing = node.min !== node.max && widthOf(node.body).min === 0
    if (mayTakeNothing && (inside.length > 0 || isOrderSeen)) this.isExact = false
    if (node.min === 0) this.#always = before
    const isAtom = node.body.type === 'char' || node.body.type === 'any' || node.body.type === 'set'
    return (isAtom ? body : `(?:${body})`) + quantifier(node)
  }

  #capture(node: Capture): string {
    const isKept = this.#facts.kept.has(node.index)
    const helper = this.#helped.has(node.index) ? this.#help(node.index) : ''
    if (isKept) this.slots[node.index] = ++this.slotCount
    const body = this.write(node.body)
    this.#written.add(node.index)
    this.#always.add(node.index)
    if (this.#isInLookbehind && isKept) this.isExact = false
    return isKept ? `${helper}(${body})` : `(?:${body})`
  }

  #help(index: number): string {
    this.#helpers.set(index, ++this.slotCount)
    return '(?=([^]+))'
  }

  #atomic(body: Node): string {
    if (this.#isRelaxed) return `(?:${this.write(body)})`
    if (this.#isInLookbehind) this.isExact = false
    const slot = ++this.slotCount
    return `(?=(${this.write(body)}))(?:\\${slot})`
  }

  #look(node: Extract<Node, { type: 'look' }>): string {
    // Relaxed, its body would match more, and so the whole less.
    if (this.#isRelaxed && node.negated && isContextual(node.body)) return ''
    const before = new Set(this.#always)
    const wasInLookbehind = this.#isInLookbehind
    this.#isInLookbehind ||= !node.ahead
    const body = this.write(node.body)
    this.#isInLookbehind = wasInLookbehind
    if (node.negated) this.#always = before
    return `(?${node.ahead ? '' : '<'}${node.negated ? '!' : '='}${body})`
  }

  #reference(node: Extract<Node, { type: 'reference' }>): string {
    if (this.#isRelaxed) return '[^]*?'
    if ((node.fold !== 'none' && this.#mayHaveCase(node.index)) || this.#isInLookbehind) this.isExact = false
    const slot = this.slots[node.index] ?? 0
    if (this.#always.has(node.index)) return `(?:\\${slot})`
    return `${this.#ask(node.index).isSet}(?:\\${slot})`
  }

  /** Whether what a reference looks for may have letters, which it would have to find in either case. */
  #mayHaveCase(index: number): boolean {
    const body = this.#facts.captures.get(index)?.body
    return body === undefined || hasLetters(body)
  }

  #conditional(node: Extract<Node, { type: 'conditional' }>): string {
    if (!this.#isRelaxed && this.#always.has(node.index)) return `(?:${this.write(node.yes)})`
    const question = this.#isRelaxed ? { isSet: '', isUnset: '' } : this.#ask(node.index)
    const [yes = '', no = ''] = this.#branches([node.yes, node.no])
    return `(?:${question.isSet}(?:${yes})|${question.isUnset}(?:${no}))`
  }

  #ask(index: number): { isSet: string; isUnset: string } {
    this.asked.add(index)
    const group = this.#facts.captures.get(index)
    const canAsk =
      this.#written.has(index) &&
      !this.#isInLookbehind &&
      !this.#facts.looped.has(index) &&
      group !== undefined &&
      widthOf(group.body).min > 0
    if (!canAsk) this.isExact = false
    const helper = this.#helpers.get(index) ?? 0
    return { isSet: `(?!\\${helper})`, isUnset: `(?=\\${helper})` }
  }
}

/** JavaScript's own `^` and `$` without the flag `m` are the ends of the text. */
const anchors: Readonly<Record<Anchor, string>> = {
  textStart: '^',
  lineStart: '(?:^|(?<=\\n))',
  finalEnd: '(?=\\n?$)',
  lineEnd: '(?=\\n|$)',
  textEnd: '$',
}

function unicodeBoundary(negated: boolean): string {
  const [before, behind, after, notAfter] = [
    `(?<=${unicodeWord})`,
    `(?<!${unicodeWord})`,
    `(?=${unicodeWord})`,
    `(?!${unicodeWord})`,
  ]
  return negated ? `(?:${before}${after}|${behind}${notAfter})` : `(?:${before}${notAfter}|${behind}${after})`
}

function quantifier({ min, max, mode }: Repeat): string {
  const lazy = mode === 'lazy' ? '?' : ''
  if (max === Number.POSITIVE_INFINITY) return (min === 0 ? '*' : min === 1 ? '+' : `{${min},}`) + lazy
  if (min === 0 && max === 1) return `?${lazy}`
  return (min === max ? `{${min}}` : `{${min},${max}}`) + lazy
}
