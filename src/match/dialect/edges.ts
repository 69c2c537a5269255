import { asciiMembers } from './char-class.js'
import type { Node } from './syntax.js'
import { widthOf } from './width.js'

/** Everything that is not ASCII, as a place in a list of characters. */
export const others = 128

type TakesOthers = (node: Extract<Node, { type: 'char' | 'set' | 'any' }>) => boolean

const anyTakesOthers: TakesOthers = (node) => node.type !== 'char' || node.code >= others || node.fold === 'unicode'

/**
 * The characters that a match of `node` can begin (or end) with: a list of 128 claims for ASCII and one for all others; undefined: it may take
 * nothing, or we cannot say. May name too many, never too few. `takesOthers` says of
 * which nodes the last claim is true.
 */
export function edgeCharacters(
  node: Node,
  edge: 'first' | 'last',
  takesOthers: TakesOthers = anyTakesOthers,
): boolean[] | undefined {
  const inner = (child: Node) => edgeCharacters(child, edge, takesOthers)
  switch (node.type) {
    case 'char':
    case 'any':
    case 'set':
      return [...asciiMembers(node), takesOthers(node)]
    case 'sequence':
      return edgeOfSequence(edge === 'first' ? node.items : node.items.toReversed(), inner)
    case 'choice':
      return union(node.branches.map(inner))
    case 'repeat':
      return node.min === 0 ? undefined : inner(node.body)
    case 'capture':
    case 'atomic':
      return inner(node.body)
    case 'conditional':
      return union([inner(node.yes), inner(node.no)])
    default:
      return undefined
  }
}

/** `items` are in the order from the edge inwards. */
function edgeOfSequence(items: readonly Node[], edgeOf: (item: Node) => boolean[] | undefined): boolean[] | undefined {
  const skipped: (boolean[] | undefined)[] = []
  for (const item of items) {
    if (item.type === 'anchor' || item.type === 'boundary' || item.type === 'look') continue
    const own = edgeOf(item)
    if (own !== undefined) return union([...skipped, own])
    // It may take nothing: what follows may be the edge too.
    if (item.type !== 'repeat' || widthOf(item).min !== 0) return undefined
    const body = edgeOf(item.body)
    if (body === undefined) return undefined
    skipped.push(body)
  }
  return undefined
}

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
