import type { Node } from './syntax.js'

/** How many characters a match can take. */
export interface Width {
  min: number
  max: number
}

const none: Width = { min: 0, max: 0 }
const unknown: Width = { min: 0, max: Number.POSITIVE_INFINITY }

/** The width of what matches `node`, in code points. `widthOfGroup` answers for references; without it they have any width. */
export function widthOf(node: Node, widthOfGroup: (index: number) => Width = () => unknown): Width {
  const inner = (child: Node) => widthOf(child, widthOfGroup)
  switch (node.type) {
    case 'char':
    case 'any':
    case 'set':
      return { min: 1, max: 1 }
    case 'anchor':
    case 'boundary':
    case 'look':
      return none
    case 'sequence':
      return node.items.map(inner).reduce((a, b) => ({ min: a.min + b.min, max: a.max + b.max }), none)
    case 'choice':
      return node.branches.map(inner).reduce(either)
    case 'repeat':
      return times(inner(node.body), node.min, node.max)
    case 'capture':
    case 'atomic':
      return inner(node.body)
    case 'reference':
      return widthOfGroup(node.index)
    case 'conditional':
      return either(inner(node.yes), inner(node.no))
    default:
      return node satisfies never
  }
}

const either = (a: Width, b: Width): Width => ({ min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) })

function times(width: Width, min: number, max: number): Width {
  return { min: width.min * min, max: width.max === 0 ? 0 : width.max * max }
}
