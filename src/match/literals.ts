import { asciiMembers } from './dialect/char-class.js'
import type { Node } from './dialect/syntax.js'

/** A stretch of text, character by character, each with the codes that may stand there. */
export type Literal = readonly (readonly number[])[]

/** At least one of these stands in every text that matches. */
export type Requirement = readonly Literal[]

/** More ways than that for one character are no literal any more. */
const waysMax = 2
/** More literals than that are not worth looking for. */
const literalsMax = 200

const lineFeed = 10

/**
 * What every match of the node holds, in the order of the text and without overlap. May leave out what is required, never names
 * what is not. Line feeds are in no literal: in a file they may be written as CRLF.
 */
export function requirementsOf(node: Node): Requirement[] {
  const collector = new Collector()
  collector.add(node)
  collector.flush()
  return collector.found
}

/** The one of several requirements that tells most. */
export function bestOf(requirements: readonly Requirement[]): Requirement | undefined {
  let best: Requirement | undefined
  for (const requirement of requirements)
    if (best === undefined || scoreOf(requirement) > scoreOf(best)) best = requirement
  return best
}

/**
 * How much a requirement tells: the length of its shortest literal, a little less for each further one. Beyond some, one more makes the search hardly
 * slower, and a list of two hundred bad robots is still far better than reading every line.
 */
export function scoreOf(requirement: Requirement): number {
  return Math.min(...requirement.map(weightOf)) - Math.min(requirement.length * 0.05, 2)
}

/** Words that nearly every line of an access log holds. */
const commonWords = ['GET', 'POST', 'HEAD', 'HTTP', 'http', 'HTTP/1.', '://', 'http://']

/** A character that may be a blank or a digit of anything tells less than a letter. */
function weightOf(literal: Literal): number {
  const text = literal
    .map((codes) => String.fromCharCode(codes[0] ?? 0))
    .join('')
    .trim()
  if (commonWords.includes(text)) return 0
  return literal.reduce((sum, codes) => sum + (codes.length > 1 ? 0.8 : weightOfCode(codes[0] ?? 0)), 0)
}

const weightOfCode = (code: number): number =>
  /[A-Za-z]/.test(String.fromCharCode(code)) ? 1 : /\d/.test(String.fromCharCode(code)) ? 0.7 : 0.5

class Collector {
  readonly found: Requirement[] = []
  #run: (readonly number[])[] = []

  flush(): void {
    if (this.#run.length > 0) this.found.push([this.#run])
    this.#run = []
  }

  add(node: Node): void {
    switch (node.type) {
      case 'char':
      case 'set':
        this.#addCharacter(node)
        return
      case 'sequence':
        for (const item of node.items) this.add(item)
        return
      case 'capture':
      case 'atomic':
        this.add(node.body)
        return
      case 'anchor':
      case 'boundary':
      case 'look':
        // They take nothing: what is before and what is behind stand side by side.
        return
      case 'choice':
        this.#addOneOf(node.branches)
        return
      case 'repeat':
        this.#addRepeat(node)
        return
      default:
        this.flush()
    }
  }

  #addCharacter(node: Extract<Node, { type: 'char' | 'set' }>): void {
    const codes = codesOf(node)
    if (codes === undefined) this.flush()
    else this.#run.push(codes)
  }

  #addRepeat(node: Extract<Node, { type: 'repeat' }>): void {
    const isPlain = node.body.type === 'char' || node.body.type === 'set'
    if (isPlain && node.min > 0 && node.min < 8) {
      for (let i = 0; i < node.min; i++) this.add(node.body)
      if (node.max > node.min) this.flush()
      return
    }
    this.flush()
    if (node.min === 0) return
    this.add(node.body)
    this.flush()
  }

  #addOneOf(branches: readonly Node[]): void {
    this.flush()
    const all: Literal[] = []
    for (const branch of branches) {
      const best = bestOf(requirementsOf(branch))
      if (best === undefined) return
      all.push(...best)
    }
    if (all.length <= literalsMax) this.found.push(all)
  }
}

/** The few codes that the character may have; undefined: too many, or none that a search could look for. */
function codesOf(node: Extract<Node, { type: 'char' | 'set' }>): number[] | undefined {
  if (node.type === 'char' && node.code >= 128)
    return node.fold === 'none' && node.code < 0xd800 ? [node.code] : undefined
  if (node.type === 'set' && (node.negated || node.items.some((item) => 'kind' in item || item.hi >= 128)))
    return undefined
  const codes = asciiMembers(node).flatMap((is, code) => (is ? [code] : []))
  // Without regard to case, a few letters also have forms outside ASCII.
  const hasForeignCase = node.fold === 'unicode' && codes.some((code) => 'iIsSkK'.includes(String.fromCharCode(code)))
  if (hasForeignCase || codes.length === 0 || codes.length > waysMax || codes.includes(lineFeed)) return undefined
  return codes
}
