import { indexesIn, walk } from './facts.js'
import type { Capture, Node, Repeat } from './syntax.js'

export interface Unconditional {
  root: Node
  /** Groups that were written once more: the number in the pattern, and the new one. */
  copies: readonly (readonly [group: number, copy: number])[]
  /** Greatest number of a group. */
  groups: number
}

/** More copies of groups than that would make a pattern longer than its questions cost. */
const copiesMax = 40
const waysMax = 16

/**
 * A pattern without questions after groups, which finds the same: `(a)?b(?(1)c|d)` becomes `(?:(a)bc|bd)`. What follows the place where it is decided
 * whether the group takes part is written once for each answer, in the order in which the ways would be tried. Undefined: there is no question, or
 * one that cannot be decided so (in loops, in what is looked for ahead).
 *
 * JavaScript cannot ask; translate.ts has a way to, which copies the rest of the text for each group. Measured on sshd's `Failed password` lines: 547 ns with that
 * and 189 without.
 */
export function withoutConditions(root: Node, groups: number): Unconditional | undefined {
  const asked = new Set<number>()
  walk(root, (node) => {
    if (node.type === 'conditional') asked.add(node.index)
  })
  if (asked.size === 0) return undefined
  const writer = new Writer(asked, groups)
  try {
    const written = writer.sequence(itemsOf(root), new Map())
    let isFree = true
    walk(written, (node) => {
      if (node.type === 'conditional') isFree = false
    })
    return isFree ? { root: written, copies: writer.copies, groups: writer.groups } : undefined
  } catch (error) {
    if (error instanceof Undecidable) return undefined
    throw error
  }
}

class Undecidable extends Error {}

class Writer {
  readonly copies: [number, number][] = []
  groups: number
  readonly #asked: ReadonlySet<number>
  /** The number in the pattern of each copy. */
  readonly #originals = new Map<number, number>()

  constructor(asked: ReadonlySet<number>, groups: number) {
    this.#asked = asked
    this.groups = groups
  }

  /** `known`: groups of which it is decided whether they take part. */
  sequence(items: readonly Node[], known: ReadonlyMap<number, boolean>): Node {
    const at = items.findIndex((item) => this.#undecidedIn(item, known).length > 0)
    const item = items[at]
    if (item === undefined) return { type: 'sequence', items: items.map((each) => resolved(each, known)) }
    const groups = this.#undecidedIn(item, known)
    // Inside its own group, or beside it in the same item, a question may come before the answer.
    if (asksFor(item, groups)) throw new Undecidable()
    const before = items.slice(0, at).map((each) => resolved(each, known))
    const branches = waysOf(item, groups).map((way, i) => {
      const now = new Map(known)
      for (const group of groups) now.set(group, certainty(way, group) === 'always')
      const rest = this.sequence(items.slice(at + 1), now)
      const branch: Node = { type: 'sequence', items: [resolved(way, now), ...itemsOf(rest)] }
      return i === 0 ? branch : this.#copied(branch)
    })
    return { type: 'sequence', items: [...before, { type: 'choice', branches }] }
  }

  #undecidedIn(item: Node, known: ReadonlyMap<number, boolean>): number[] {
    return indexesIn(item).filter((index) => this.#asked.has(index) && !known.has(index))
  }

  /** The same with groups of its own. */
  #copied(node: Node): Node {
    const numbers = new Map<number, number>()
    walk(node, (child) => {
      if (child.type === 'capture') numbers.set(child.index, this.#newGroup(child.index))
    })
    return mapped(node, (child) => {
      const number = 'index' in child ? numbers.get(child.index) : undefined
      return number === undefined || !('index' in child) ? child : { ...child, index: number }
    })
  }

  #newGroup(index: number): number {
    const original = this.#originals.get(index) ?? index
    const copy = ++this.groups
    this.#originals.set(copy, original)
    if (this.copies.push([original, copy]) > copiesMax) throw new Undecidable()
    return copy
  }
}

/** The ways through the node, in the order in which they are tried, in each of which it is certain for each group whether it takes part. */
function waysOf(node: Node, groups: readonly number[]): Node[] {
  const certain: Node[] = []
  let open = [node]
  for (let way = open[0]; way !== undefined; way = open[0]) {
    const behind = open.slice(1)
    if (groups.every((group) => certainty(way ?? node, group) !== 'maybe')) {
      certain.push(way)
      open = behind
    } else open = [...firstWays(way, groups), ...behind]
    if (certain.length + open.length > waysMax) throw new Undecidable()
  }
  return certain
}

function firstWays(node: Node, groups: readonly number[]): Node[] {
  switch (node.type) {
    case 'choice':
      return [...node.branches]
    case 'capture':
      return firstWays(node.body, groups).map((body): Capture => ({ ...node, body }))
    case 'repeat':
      return waysOfOption(node)
    case 'sequence': {
      const at = node.items.findIndex((item) => groups.some((group) => certainty(item, group) === 'maybe'))
      const item = node.items[at]
      if (item === undefined) throw new Undecidable()
      return firstWays(item, groups).map((way) => ({ ...node, items: node.items.with(at, way) }))
    }
    default:
      throw new Undecidable()
  }
}

function waysOfOption({ min, max, mode, body }: Repeat): Node[] {
  if (min !== 0 || max !== 1 || mode === 'possessive') throw new Undecidable()
  const empty: Node = { type: 'sequence', items: [] }
  return mode === 'lazy' ? [empty, body] : [body, empty]
}

/** Whether a match of the node sets the group. */
function certainty(node: Node, group: number): 'always' | 'never' | 'maybe' {
  if (!indexesIn(node).includes(group)) return 'never'
  switch (node.type) {
    case 'capture':
      return node.index === group ? 'always' : certainty(node.body, group)
    case 'sequence': {
      const each = node.items.map((item) => certainty(item, group))
      return each.includes('always') ? 'always' : 'maybe'
    }
    case 'choice':
      return node.branches.every((branch) => certainty(branch, group) === 'always') ? 'always' : 'maybe'
    default:
      return 'maybe'
  }
}

function asksFor(node: Node, groups: readonly number[]): boolean {
  let asks = false
  walk(node, (child) => {
    if (child.type === 'conditional') asks ||= groups.includes(child.index)
  })
  return asks
}

/** With the answers to questions that are decided. */
function resolved(node: Node, known: ReadonlyMap<number, boolean>): Node {
  return mapped(node, (child) => {
    const answer = child.type === 'conditional' ? known.get(child.index) : undefined
    return answer === undefined || child.type !== 'conditional' ? child : answer ? child.yes : child.no
  })
}

/** The tree with each node changed, those below first. */
function mapped(node: Node, change: (node: Node) => Node): Node {
  const inner = (child: Node) => mapped(child, change)
  switch (node.type) {
    case 'sequence':
      return change({ ...node, items: node.items.map(inner) })
    case 'choice':
      return change({ ...node, branches: node.branches.map(inner) })
    case 'repeat':
    case 'capture':
    case 'atomic':
    case 'look':
      return change({ ...node, body: inner(node.body) })
    case 'conditional':
      return change({ ...node, yes: inner(node.yes), no: inner(node.no) })
    default:
      return change(node)
  }
}

const itemsOf = (node: Node): readonly Node[] => (node.type === 'sequence' ? node.items : [node])
