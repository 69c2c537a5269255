import { asciiMembers, unicodeClass } from './char-class.js'
import type { GroupFacts } from './facts.js'
import type { Anchor, Fold, Node, Repeat } from './syntax.js'
import { widthOf } from './width.js'

/** One step of the machine. `to`, `body`, `tail`, `no` are indexes into the program. */
export type Step =
  | { op: 'one'; set: CharTest }
  | { op: 'run'; set: CharTest; min: number; max: number; isLazy: boolean }
  | { op: 'anchor'; at: Anchor }
  | { op: 'boundary'; negated: boolean; word: CharTest }
  | { op: 'split'; to: number }
  | { op: 'jump'; to: number }
  | { op: 'open'; group: number }
  | { op: 'close'; group: number }
  | { op: 'loop'; register: number }
  | { op: 'until'; register: number; min: number; max: number; isLazy: boolean; tail: number }
  | { op: 'again'; register: number }
  /** Runs what follows up to `end` on its own; `back`: from so many characters before. */
  | { op: 'inner'; kind: 'atomic' | 'look' | 'not'; back: number; after: number }
  | { op: 'reference'; group: number; fold: Fold }
  | { op: 'condition'; group: number; no: number }
  | { op: 'end' }

/** Which characters a step takes: a table for ASCII, a pattern for the rest. */
export interface CharTest {
  ascii: Uint8Array
  others: (code: number) => boolean
}

export interface Program {
  steps: readonly Step[]
  groups: number
  /** Loop registers; each holds a count and the position of the last round. */
  loops: number
}

/** Writes the program of a pattern. */
export function compileProgram(root: Node, facts: GroupFacts): Program {
  const assembler = new Assembler(facts)
  assembler.add(root)
  assembler.steps.push({ op: 'end' })
  return { steps: assembler.steps, groups: facts.groups, loops: assembler.loops }
}

class Assembler {
  readonly steps: Step[] = []
  loops = 0
  readonly #facts: GroupFacts

  constructor(facts: GroupFacts) {
    this.#facts = facts
  }

  add(node: Node): void {
    switch (node.type) {
      case 'char':
      case 'any':
      case 'set':
        this.steps.push({ op: 'one', set: charTest(node) })
        return
      case 'anchor':
        this.steps.push({ op: 'anchor', at: node.at })
        return
      case 'boundary':
        this.steps.push({ op: 'boundary', negated: node.negated, word: wordTest(node.ascii) })
        return
      case 'sequence':
        for (const item of node.items) this.add(item)
        return
      case 'choice':
        this.#choice(node.branches)
        return
      case 'repeat':
        this.#repeat(node)
        return
      case 'capture':
        this.steps.push({ op: 'open', group: node.index })
        this.add(node.body)
        this.steps.push({ op: 'close', group: node.index })
        return
      case 'atomic':
        this.#inner('atomic', 0, node.body)
        return
      case 'look':
        this.#inner(node.negated ? 'not' : 'look', node.ahead ? 0 : this.#width(node.body), node.body)
        return
      case 'reference':
        this.steps.push({ op: 'reference', group: node.index, fold: node.fold })
        return
      case 'conditional':
        this.#conditional(node)
        return
      default:
        node satisfies never
    }
  }

  #choice(branches: readonly Node[]): void {
    const ends: { op: 'jump'; to: number }[] = []
    for (const [i, branch] of branches.entries()) {
      if (i === branches.length - 1) {
        this.add(branch)
        break
      }
      const split = { op: 'split' as const, to: 0 }
      this.steps.push(split)
      this.add(branch)
      const jump = { op: 'jump' as const, to: 0 }
      this.steps.push(jump)
      ends.push(jump)
      split.to = this.steps.length
    }
    for (const jump of ends) jump.to = this.steps.length
  }

  #repeat(node: Repeat): void {
    if (node.mode === 'possessive') {
      this.#inner('atomic', 0, { ...node, mode: 'greedy' })
      return
    }
    const isLazy = node.mode === 'lazy'
    const { body, min, max } = node
    if (body.type === 'char' || body.type === 'any' || body.type === 'set') {
      this.steps.push({ op: 'run', set: charTest(body), min, max, isLazy })
      return
    }
    const register = this.loops++
    this.steps.push({ op: 'loop', register })
    const at = this.steps.length
    const until = { op: 'until' as const, register, min, max, isLazy, tail: 0 }
    this.steps.push(until)
    // Where a lazy loop comes back to for one more round; a greedy one steps over it.
    this.steps.push({ op: 'again', register })
    this.add(body)
    this.steps.push({ op: 'jump', to: at })
    until.tail = this.steps.length
  }

  #inner(kind: 'atomic' | 'look' | 'not', back: number, body: Node): void {
    const inner = { op: 'inner' as const, kind, back, after: 0 }
    this.steps.push(inner)
    this.add(body)
    this.steps.push({ op: 'end' })
    inner.after = this.steps.length
  }

  #conditional(node: Extract<Node, { type: 'conditional' }>): void {
    const condition = { op: 'condition' as const, group: node.index, no: 0 }
    this.steps.push(condition)
    this.add(node.yes)
    const jump = { op: 'jump' as const, to: 0 }
    this.steps.push(jump)
    condition.no = this.steps.length
    this.add(node.no)
    jump.to = this.steps.length
  }

  #width(body: Node): number {
    return widthOf(body, (index) => {
      const group = this.#facts.captures.get(index)
      return group === undefined ? { min: 0, max: 0 } : widthOf(group.body)
    }).min
  }
}

function charTest(node: Extract<Node, { type: 'char' | 'any' | 'set' }>): CharTest {
  const ascii = Uint8Array.from(asciiMembers(node), Number)
  if (node.type === 'any') return { ascii, others: () => true }
  let pattern: RegExp | undefined
  const others = (code: number) => {
    pattern ??= new RegExp(`^${unicodeClass(node)}$`, 'v')
    return pattern.test(String.fromCodePoint(code))
  }
  return { ascii, others }
}

const wordTest = (ascii: boolean): CharTest =>
  charTest({ type: 'set', negated: false, items: [{ kind: 'word', negated: false }], fold: 'none', ascii })
