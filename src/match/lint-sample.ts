import { asciiMembers } from './dialect/char-class.js'
import type { Capture, Node, Repeat } from './dialect/syntax.js'
import { idGroups } from './filter.js'

/** A part of a text that a pattern matches. */
export type Piece =
  | { kind: 'text'; text: string }
  /** Who is banned. */
  | { kind: 'address' }
  /** What one long repeat takes: a place that may hold what somebody else wrote. `isUser`: the pattern calls it a user name. */
  | { kind: 'field'; text: string; repeat: Repeat; isUser: boolean }

/** Which of its texts a pattern is asked for: the way through its choices, and whether what may be missing is there. */
export interface Variant {
  branch: 'first' | 'last'
  takesOptional: boolean
}

/** A repeat that may take so much is a field that somebody fills, not a number or a code. */
const fieldLengthMin = 60

/**
 * A text that the pattern might match, in pieces: one for each way through it, and short. What the pattern looks at without taking it is left out of
 * account, so whoever needs a match has to try.
 */
export function samplePieces(root: Node, variant: Variant): Piece[] {
  return new Sampler(variant).sample(root)
}

/** The pieces as a text. */
export function textOf(pieces: readonly Piece[], address: string): string {
  return pieces.map((piece) => (piece.kind === 'address' ? address : piece.text)).join('')
}

/** Whether the repeat could take the text, character by character. */
export function takesAll({ body, max }: Repeat, text: string): boolean {
  if (text.length > max || (body.type !== 'any' && body.type !== 'set' && body.type !== 'char')) return false
  const members = asciiMembers(body)
  return [...text].every((char) => members[char.charCodeAt(0)] === true)
}

class Sampler {
  readonly #variant: Variant
  readonly #texts = new Map<number, string>()
  #isInUser = false

  constructor(variant: Variant) {
    this.#variant = variant
  }

  sample(node: Node): Piece[] {
    switch (node.type) {
      case 'char':
      case 'any':
      case 'set':
        return [{ kind: 'text', text: characterOf(node) }]
      case 'sequence':
        return node.items.flatMap((item) => this.sample(item))
      case 'choice':
        return this.sample(this.#branchOf(node.branches))
      case 'repeat':
        return this.#repeated(node)
      case 'capture':
        return this.#captured(node)
      case 'atomic':
        return this.sample(node.body)
      case 'reference':
        return [{ kind: 'text', text: this.#texts.get(node.index) ?? '' }]
      case 'conditional':
        return this.sample(this.#texts.has(node.index) ? node.yes : node.no)
      default:
        return []
    }
  }

  #branchOf(branches: readonly Node[]): Node {
    const naming = branches.find(namesSomebody)
    const chosen = this.#variant.branch === 'first' ? branches[0] : branches.at(-1)
    return naming ?? chosen ?? { type: 'sequence', items: [] }
  }

  #repeated(node: Repeat): Piece[] {
    const { min, max, body } = node
    const isSingle = body.type === 'any' || body.type === 'set' || body.type === 'char'
    if (isSingle && max >= fieldLengthMin && body.type !== 'char')
      return [{ kind: 'field', text: characterOf(body).repeat(Math.max(1, min)), repeat: node, isUser: this.#isInUser }]
    const rounds = Math.min(Math.max(min, this.#variant.takesOptional || namesSomebody(body) ? 1 : 0), roundsMax)
    return Array.from({ length: rounds }, () => this.sample(body)).flat()
  }

  #captured({ index, name, body }: Capture): Piece[] {
    const wasInUser = this.#isInUser
    this.#isInUser ||= name !== undefined && /user/.test(name)
    const pieces: Piece[] = name !== undefined && idGroups.includes(name) ? [{ kind: 'address' }] : this.sample(body)
    this.#isInUser = wasInUser
    this.#texts.set(index, textOf(pieces, ''))
    return pieces
  }
}

const roundsMax = 64

function namesSomebody(node: Node): boolean {
  switch (node.type) {
    case 'capture':
      return (node.name !== undefined && idGroups.includes(node.name)) || namesSomebody(node.body)
    case 'sequence':
      return node.items.some(namesSomebody)
    case 'choice':
      return node.branches.some(namesSomebody)
    case 'repeat':
    case 'atomic':
      return namesSomebody(node.body)
    case 'conditional':
      return namesSomebody(node.yes) || namesSomebody(node.no)
    default:
      return false
  }
}

/** A character that it takes, one that is easy to read where there is a choice; empty: none in ASCII. */
function characterOf(node: Extract<Node, { type: 'char' | 'set' | 'any' }>): string {
  const members = asciiMembers(node)
  const code = [...readable].map((char) => char.charCodeAt(0)).find((each) => members[each]) ?? members.indexOf(true)
  return code < 0 ? '' : String.fromCharCode(code)
}

const readable = 'x1 -a'
