import { edgeCharacters } from './edges.js'
import type { Capture, Node, Syntax } from './syntax.js'
import { PatternError } from './syntax.js'
import { type Width, widthOf } from './width.js'

/** What the writer and the machine need to know about the groups of a pattern. */
export interface GroupFacts {
  groups: number
  captures: ReadonlyMap<number, Capture>
  /** Groups whose text somebody reads: named ones, those referred to, and those asked for. */
  kept: ReadonlySet<number>
  /** Groups inside something that may be repeated. */
  looped: ReadonlySet<number>
}

/** Collects the facts. `alsoKeep`: numbers of unnamed groups whose text is wanted. Throws PatternError for a lookbehind of varying width. */
export function groupFacts(syntax: Syntax, alsoKeep: readonly number[] = []): GroupFacts {
  const captures = new Map<number, Capture>()
  const looped = new Set<number>()
  const kept = new Set<number>([...alsoKeep, ...syntax.names.values()])
  walk(syntax.root, (node) => {
    if (node.type === 'capture') captures.set(node.index, node)
    if (node.type === 'reference' || node.type === 'conditional') kept.add(node.index)
    if (node.type === 'repeat' && node.max > 1) for (const index of indexesIn(node.body)) looped.add(index)
  })
  checkLookbehinds(syntax.root, captures)
  return { groups: syntax.groups, captures, kept, looped }
}

/** Numbers of the groups inside `node`. */
export function indexesIn(node: Node): number[] {
  const indexes: number[] = []
  walk(node, (child) => {
    if (child.type === 'capture') indexes.push(child.index)
  })
  return indexes
}

/** Whether what matches the node depends on more than the text: on groups, or on the order in which ways are tried. */
export function isContextual(node: Node): boolean {
  let is = false
  walk(node, (child) => {
    if (child.type === 'reference' || child.type === 'conditional' || child.type === 'atomic') is = true
    if (child.type === 'repeat' && child.mode === 'possessive') is = true
  })
  return is
}

/**
 * Whether a match of nothing is the last that is tried for `node`: then it does not matter that JavaScript throws away a round of a loop
 * that took nothing, while Python ends the loop with it.
 */
export function emptyIsLast(node: Node): boolean {
  switch (node.type) {
    case 'sequence':
      return node.items.every((item) => widthOf(item).min > 0 || emptyIsLast(item))
    case 'choice':
      return node.branches.every(
        (branch, i) => widthOf(branch).min > 0 || (i === node.branches.length - 1 && emptyIsLast(branch)),
      )
    case 'repeat':
      return node.mode !== 'lazy' && (widthOf(node.body).min > 0 || emptyIsLast(node.body))
    case 'capture':
    case 'atomic':
      return emptyIsLast(node.body)
    case 'reference':
    case 'conditional':
      return false
    default:
      return true
  }
}

/**
 * Whether no character can begin both a round of a loop and what follows the loop: then it does not matter either whether a round that took nothing ends the
 * loop before other ways for a round are tried, for one of the two fails at once.
 */
export function excludesRest(body: Node, rest: readonly Node[]): boolean {
  const behind = edgeCharacters({ type: 'sequence', items: rest }, 'first')
  const round = firstsOfRound(body)
  return behind !== undefined && round !== undefined && !behind.some((is, i) => is && round[i])
}

/** The characters that a round which takes something can begin with; undefined: we cannot say. */
function firstsOfRound(body: Node): boolean[] | undefined {
  if (body.type === 'repeat') return edgeCharacters(body.body, 'first')
  if (body.type !== 'choice') return edgeCharacters(body, 'first')
  const branches = body.branches.map(firstsOfRound)
  const [first] = branches
  return branches.every((branch) => branch !== undefined)
    ? first?.map((_, i) => branches.some((branch) => branch[i]))
    : undefined
}

/** Calls `visit` for the node and everything below it, outside first, in the order of the pattern. */
export function walk(node: Node, visit: (node: Node) => void): void {
  visit(node)
  for (const child of childrenOf(node)) walk(child, visit)
}

function childrenOf(node: Node): readonly Node[] {
  switch (node.type) {
    case 'sequence':
      return node.items
    case 'choice':
      return node.branches
    case 'repeat':
    case 'capture':
    case 'atomic':
    case 'look':
      return [node.body]
    case 'conditional':
      return [node.yes, node.no]
    default:
      return []
  }
}

function checkLookbehinds(root: Node, captures: ReadonlyMap<number, Capture>): void {
  const widthOfGroup = (index: number): Width => {
    const group = captures.get(index)
    return group === undefined ? { min: 0, max: Number.POSITIVE_INFINITY } : widthOf(group.body)
  }
  walk(root, (node) => {
    if (node.type !== 'look' || node.ahead) return
    const width = widthOf(node.body, widthOfGroup)
    if (width.min !== width.max) throw new PatternError('look-behind requires fixed-width pattern')
  })
}

/** Whether the node may take anything but ASCII characters that are no letters. */
export function hasLetters(node: Node): boolean {
  let has = false
  walk(node, (child) => {
    if (child.type === 'any' || child.type === 'reference') has = true
    if (child.type === 'char') has ||= isLetter(child.code)
    if (child.type === 'set')
      has ||= child.negated || child.items.some((item) => 'kind' in item || item.hi >= 128 || rangeHasLetters(item))
  })
  return has
}

const isLetter = (code: number): boolean => code >= 128 || /[A-Za-z]/.test(String.fromCharCode(code))

function rangeHasLetters({ lo, hi }: { lo: number; hi: number }): boolean {
  for (let code = lo; code <= hi; code++) if (isLetter(code)) return true
  return false
}
