import { asciiMembers } from './dialect/char-class.js'
import type { Node } from './dialect/syntax.js'
import { widthOf } from './dialect/width.js'

/** Everything that is not ASCII. */
const others = 128

/**
 * Which of several patterns can match a text, by its first character alone: a pattern that is anchored at the begin cannot match
 * a text whose first character it cannot take. Order is kept.
 */
export class Dispatch<T> {
  readonly #byFirst: readonly (readonly T[])[]
  readonly #ofEmpty: readonly T[]

  constructor(patterns: readonly T[], rootOf: (pattern: T) => Node) {
    const firsts = patterns.map((pattern) => firstCharacters(rootOf(pattern)))
    this.#byFirst = Array.from({ length: others + 1 }, (_, code) => {
      return patterns.filter((_pattern, i) => firsts[i]?.[code] ?? true)
    })
    this.#ofEmpty = patterns
  }

  candidates(text: string): readonly T[] {
    const code = text.charCodeAt(0)
    return this.#byFirst[Math.min(code, others)] ?? this.#ofEmpty
  }
}

/** Which first characters a text can have that an anchored pattern matches (the last place: any that is not ASCII); undefined: any. */
function firstCharacters(root: Node): boolean[] | undefined {
  const items = root.type === 'sequence' ? root.items : []
  const [first, ...rest] = items
  if (first?.type !== 'anchor' || first.at !== 'textStart') return undefined
  const members = firstsOf({ type: 'sequence', items: rest })
  return members
}

/** The characters that a match of `node` can begin with; undefined: it may take none, or we cannot say. */
function firstsOf(node: Node): boolean[] | undefined {
  switch (node.type) {
    case 'char':
    case 'any':
    case 'set':
      // Whether characters outside ASCII fit is not worth a question: they are rare, and a needless try costs little.
      return [...asciiMembers(node), true]
    case 'sequence':
      return firstsOfSequence(node.items)
    case 'choice':
      return union(node.branches.map(firstsOf))
    case 'repeat':
      return node.min === 0 ? undefined : firstsOf(node.body)
    case 'capture':
    case 'atomic':
      return firstsOf(node.body)
    case 'conditional':
      return union([firstsOf(node.yes), firstsOf(node.no)])
    default:
      return undefined
  }
}

function firstsOfSequence(items: readonly Node[]): boolean[] | undefined {
  const skipped: (boolean[] | undefined)[] = []
  for (const item of items) {
    if (isZeroWidth(item)) continue
    const own = firstsOf(item)
    if (own !== undefined) return union([...skipped, own])
    // It may take nothing: what follows may come first too.
    if (item.type !== 'repeat' || widthOf(item).min !== 0) return undefined
    const body = firstsOf(item.body)
    if (body === undefined) return undefined
    skipped.push(body)
  }
  return undefined
}

const isZeroWidth = (node: Node): boolean => node.type === 'anchor' || node.type === 'boundary' || node.type === 'look'

function union(sets: readonly (readonly boolean[] | undefined)[]): boolean[] | undefined {
  const all = new Array<boolean>(others + 1).fill(false)
  for (const set of sets) {
    if (set === undefined) return undefined
    set.forEach((is, i) => {
      if (is) all[i] = true
    })
  }
  return all
}
