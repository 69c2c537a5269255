/**
 * What a pattern in Python's regex dialect means, with its flags already resolved into the nodes.
 * Source: "Regular Expression Syntax" of the Python 3.11 library reference.
 */
export type Node =
  | { type: 'char'; code: number; fold: Fold }
  | { type: 'any'; newline: boolean }
  | { type: 'set'; negated: boolean; items: readonly SetItem[]; fold: Fold; ascii: boolean }
  | { type: 'anchor'; at: Anchor }
  | { type: 'boundary'; negated: boolean; ascii: boolean }
  | { type: 'sequence'; items: readonly Node[] }
  | { type: 'choice'; branches: readonly Node[] }
  | Repeat
  | Capture
  | { type: 'atomic'; body: Node }
  | { type: 'look'; ahead: boolean; negated: boolean; body: Node }
  | { type: 'reference'; index: number; fold: Fold }
  | { type: 'conditional'; index: number; yes: Node; no: Node }

export interface Repeat {
  type: 'repeat'
  min: number
  /** Infinity: without end. */
  max: number
  mode: 'greedy' | 'lazy' | 'possessive'
  body: Node
}

export interface Capture {
  type: 'capture'
  /** Python's group number, from 1. */
  index: number
  name: string | undefined
  body: Node
}

/** How letters compare under `(?i)`: not at all, all of Unicode, or only A–Z (`(?ai)`). */
export type Fold = 'none' | 'unicode' | 'ascii'

/**
 * `finalEnd` is `$`: the end, or before one last line feed. `textEnd` is `\Z`: the end and nothing else. `lineStart` and `lineEnd`
 * are `^` and `$` under MULTILINE.
 */
export type Anchor = 'textStart' | 'lineStart' | 'finalEnd' | 'lineEnd' | 'textEnd'

export type SetItem = { lo: number; hi: number } | { kind: 'digit' | 'word' | 'space'; negated: boolean }

/** A parsed pattern. */
export interface Syntax {
  root: Node
  /** How many capturing groups there are. */
  groups: number
  /** Group numbers by name. */
  names: ReadonlyMap<string, number>
}

/** What is wrong with a pattern, in Python's words, and where. */
export class PatternError extends Error {
  /** Index into the pattern (after our tags were replaced), in code points; undefined: the pattern as a whole. */
  readonly position: number | undefined

  constructor(message: string, position?: number) {
    super(position === undefined ? message : `${message} at position ${position}`)
    this.name = 'PatternError'
    this.position = position
  }
}
