import { edgeCharacters, others } from './dialect/edges.js'
import type { Node } from './dialect/syntax.js'

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

/** Which first characters a text can have that an anchored pattern matches; undefined: any. */
function firstCharacters(root: Node): boolean[] | undefined {
  const [first, ...rest] = root.type === 'sequence' ? root.items : []
  if (first?.type !== 'anchor' || first.at !== 'textStart') return undefined
  return edgeCharacters({ type: 'sequence', items: rest }, 'first')
}
