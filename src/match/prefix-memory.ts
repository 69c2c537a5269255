import { asciiMembers } from './dialect/char-class.js'
import { groupFacts, walk } from './dialect/facts.js'
import { Machine, stepsOfCuriosity } from './dialect/machine.js'
import { compileProgram } from './dialect/machine-code.js'
import type { Pattern } from './dialect/pattern.js'
import type { Node } from './dialect/syntax.js'

/** What the part before the content takes of every text of one shape. */
export interface Shape {
  /** Where the content begins; -1: no text of this shape matches. */
  contentStart: number
  /** Begin and end of each of Python's groups, -1: not set. */
  marks: Int32Array
}

const asciiCount = 128
/** Shapes end at this character, or are not remembered: a line may be 64 KiB of one word. */
const shapeLengthMax = 96
/** Nodes of the tree. Full: everything is forgotten and learnt anew. */
const nodesMax = 4096
/** Learning a shape takes some 20 µs, so it must have been earned by lines whose shape was known: who writes ever new ones slows us down by a microsecond a line. */
const learningCost = 20
const creditMax = 4000

/**
 * Knows for many texts, without searching them, what a prefix like `^<head><F-CONTENT>.+</F-CONTENT>$` makes of them: `LabSZ sshd[24200]: F` is the same to it as
 * `LabSZ sshd[31007]: G`.
 *
 * Why that cannot be wrong: our machine tells how far into the text it looked (`furthest`), and a step of it asks of a character only whether it is in one of the
 * pattern's classes. Two texts whose characters up to there are in the same classes, one by one, take the same steps to the same places. The rest of the pattern, `.+$`,
 * takes whatever follows, if that is one line and not empty; where it is not, the answer is that we do not know.
 */
export class PrefixMemory {
  readonly #machine: Machine
  /** Class of each ASCII character, from 1; characters in the same sets of the pattern are in one. */
  readonly #classes: Uint8Array
  readonly #width: number
  /** For each node and class: the next node, or -1 - the index of a shape, or 0: not known yet. Node 0 is the root. */
  #next: Int32Array
  #nodeCount = 1
  #shapes: Shape[] = []
  #credit = creditMax

  private constructor(head: Node, pattern: Pattern) {
    const facts = groupFacts({ ...pattern.syntax, root: head })
    this.#machine = new Machine(compileProgram(head, facts))
    this.#classes = classesOf(head)
    this.#width = Math.max(...this.#classes) + 1
    this.#next = new Int32Array(64 * this.#width)
  }

  /** Undefined: the pattern is not of that kind. */
  static of(pattern: Pattern): PrefixMemory | undefined {
    const head = headOf(pattern.syntax.root)
    return head && new PrefixMemory(head, pattern)
  }

  /**
   * `text` is one line and its line feed, and begins at `start` of `chunk`: a window into a string is read three times slower than
   * the string. Undefined: not known, the pattern has to be asked.
   */
  find(text: string, chunk: string, start: number): Shape | undefined {
    const classes = this.#classes
    const width = this.#width
    const nodes = this.#next
    let node = 0
    for (let at = start; at < start + text.length; at++) {
      const code = chunk.charCodeAt(at)
      if (code >= asciiCount) return undefined
      const next = nodes[node * width + (classes[code] ?? 0)] ?? 0
      if (next < 0) return this.#fits(this.#shapes[-1 - next], text.length)
      if (next === 0) return this.#learn(text)
      node = next
    }
    return undefined
  }

  /** As `find`, for an ASCII text from `start` to `end`; `line` has it as text, should it be needed. Bytes are read in a third of the time. */
  findInBytes(bytes: Uint8Array, start: number, end: number, line: { text: string }): Shape | undefined {
    const classes = this.#classes
    const width = this.#width
    const nodes = this.#next
    let node = 0
    for (let at = start; at < end; at++) {
      const next = nodes[node * width + (classes[bytes[at] ?? 0] ?? 0)] ?? 0
      if (next < 0) return this.#fits(this.#shapes[-1 - next], end - start)
      if (next === 0) return this.#learn(line.text)
      node = next
    }
    return undefined
  }

  #fits(shape: Shape | undefined, length: number): Shape | undefined {
    if (this.#credit < creditMax) this.#credit++
    // NOTE: without content the search would go back into the head for another way.
    return shape !== undefined && shape.contentStart >= length - 1 ? undefined : shape
  }

  #learn(text: string): Shape | undefined {
    if (this.#credit < learningCost) return undefined
    this.#credit -= learningCost
    const isFound = this.#machine.trySearch(text, stepsOfCuriosity)
    if (isFound === undefined) return undefined
    const { furthest, marks } = this.#machine
    // It looked at the end of the text, or nearly: then the length counts too.
    if (furthest === 0 || furthest > text.length - 1 || furthest > shapeLengthMax) return undefined
    const shape = { contentStart: isFound ? (marks[1] ?? 0) : -1, marks: marks.slice() }
    if (this.#nodeCount + furthest > nodesMax) this.#forgetAll()
    return this.#remember(text, furthest, shape) ? this.#fits(shape, text.length) : undefined
  }

  /** False: a character outside ASCII is in the way. */
  #remember(text: string, length: number, shape: Shape): boolean {
    let node = 0
    for (let at = 0; at < length; at++) {
      const code = text.charCodeAt(at)
      if (code >= asciiCount) return false
      const place = node * this.#width + (this.#classes[code] ?? 0)
      if (at === length - 1) this.#next[place] = -this.#shapes.push(shape)
      else node = this.#next[place] || this.#grow(place)
    }
    return true
  }

  #grow(place: number): number {
    const node = this.#nodeCount++
    if (node * this.#width >= this.#next.length) {
      const bigger = new Int32Array(this.#next.length * 2)
      bigger.set(this.#next)
      this.#next = bigger
    }
    this.#next[place] = node
    return node
  }

  #forgetAll(): void {
    this.#next = new Int32Array(64 * this.#width)
    this.#nodeCount = 1
    this.#shapes = []
  }
}

/** What stands before the content, when the pattern is `^…(?P<content>.+)$` and only asks for classes of characters. */
function headOf(root: Node): Node | undefined {
  if (root.type !== 'sequence') return undefined
  const [first] = root.items
  const [content, last] = root.items.slice(-2)
  if (first?.type !== 'anchor' || first.at !== 'textStart' || last?.type !== 'anchor' || last.at !== 'finalEnd')
    return undefined
  if (content?.type !== 'capture' || content.name !== 'content' || !isRestOfLine(content.body)) return undefined
  const head: Node = { type: 'sequence', items: root.items.slice(0, -2) }
  let asksClassesOnly = true
  walk(head, (node) => {
    if (node.type === 'reference' || node.type === 'conditional') asksClassesOnly = false
  })
  return asksClassesOnly ? head : undefined
}

function isRestOfLine(node: Node): boolean {
  return (
    node.type === 'repeat' &&
    node.min <= 1 &&
    node.max === Number.POSITIVE_INFINITY &&
    node.mode === 'greedy' &&
    node.body.type === 'any' &&
    !node.body.newline
  )
}

/** Numbers of classes such that two characters of one class are in the same sets of the pattern, all of them. */
function classesOf(head: Node): Uint8Array {
  const sets: boolean[][] = [wordCharacters, lineFeeds]
  walk(head, (node) => {
    if (node.type === 'char' || node.type === 'set' || node.type === 'any') sets.push(asciiMembers(node))
  })
  const numbers = new Map<string, number>()
  return Uint8Array.from({ length: asciiCount }, (_, code) => {
    const key = sets.map((set) => (set[code] === true ? 1 : 0)).join('')
    const number = numbers.get(key) ?? numbers.size + 1
    numbers.set(key, number)
    return number
  })
}

// What boundaries and anchors ask for.
const wordCharacters = Array.from({ length: asciiCount }, (_, code) => /\w/.test(String.fromCharCode(code)))
const lineFeeds = Array.from({ length: asciiCount }, (_, code) => code === 0x0a)
