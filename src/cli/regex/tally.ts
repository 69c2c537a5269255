import { ownCopy } from '../../match/own-copy.js'

export type LineKind = 'matched' | 'ignored' | 'missed'

/** One hit of a pattern, for `-v`. */
export interface Hit {
  id: string | undefined
  timeMs: number | undefined
  isMultiple: boolean
}

/** Hits kept for `-v`, all patterns together. Full: the rest is only counted, and the output says so. */
const hitsKeptMax = 1_000_000

/** Lines of one kind: how many, and those that may have to be printed. */
export class LineList {
  count = 0
  readonly lines: string[] = []
  readonly #keptMax: number

  /** `keptMax`: how many lines are kept; 0: none. */
  constructor(keptMax: number) {
    this.#keptMax = keptMax
  }

  add(full: string): void {
    this.count++
    if (this.lines.length < this.#keptMax) this.lines.push(ownCopy(full))
  }

  /** Whether a line that came now would be kept: cutting it out of its chunk can be spared. */
  get isFull(): boolean {
    return this.lines.length >= this.#keptMax
  }

  /** Takes the first such line out again. */
  take(full: string): void {
    this.count--
    const at = this.lines.indexOf(full)
    if (at >= 0) this.lines.splice(at, 1)
  }
}

/** What `fail2ban-regex` counts. */
export class Tally {
  tested = 0
  prefixMatched = 0
  /** Printed groups of the prefix, for `-v`. */
  readonly prefixGroups: string[] = []
  readonly failHits: number[]
  readonly ignoreHits: number[]
  readonly hits: Hit[][]
  hitsDropped = 0
  readonly lists: Readonly<Record<LineKind, LineList>>
  #hitsKept = 0

  constructor(parts: { fail: number; ignore: number; kept: Readonly<Record<LineKind, number>> }) {
    this.failHits = new Array<number>(parts.fail).fill(0)
    this.ignoreHits = new Array<number>(parts.ignore).fill(0)
    this.hits = Array.from({ length: parts.fail }, () => [])
    const { matched, ignored, missed } = parts.kept
    this.lists = { matched: new LineList(matched), ignored: new LineList(ignored), missed: new LineList(missed) }
  }

  addHit(index: number, hit: Hit): void {
    if (this.#hitsKept >= hitsKeptMax) {
      this.hitsDropped++
      return
    }
    this.#hitsKept++
    this.hits[index]?.push(hit)
  }
}
