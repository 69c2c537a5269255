import type { DateMatch, DateTemplate } from './template.js'

/** A date found in a line, and by which template. */
export interface FoundDate extends DateMatch {
  template: DateTemplate
}

/** A template that was at work when it was stopped, and the text that it searched. Hostile text. */
export interface StalledDate {
  template: DateTemplate
  text: string
}

/** What the detector remembers about one template. */
interface Entry {
  template: DateTemplate
  hits: number
  /** Epoch milliseconds. */
  lastUsedMs: number
  /** Where it matched last. */
  distance: number
}

/** A template unused for so long gives way in the list. */
const unusedMs = 300_000
const far = 0x7fffffff

/**
 * Finds the date of a line among several templates (spec section 3.11.5): the last one first, then in list order; one that is anchored wins over one that
 * is not, an early match over a late one. Templates that hit often move up. One detector for each stream of lines, for it learns from them.
 */
export class DateDetector {
  #entries: Entry[]
  #last = -1
  #lastStart = 1
  #lastEnd = far
  /** The characters around and inside the last match's ends: before, first, last, behind. */
  #borders = ['', '', '', '']
  #firstUnused = 0
  /** The template that is being tried, and on what. */
  #running: DateTemplate | undefined
  #text = ''

  constructor(templates: readonly DateTemplate[]) {
    this.#entries = templates.map((template) => ({ template, hits: 0, lastUsedMs: 0, distance: far }))
  }

  /** The template that is tried first and taken at once when it matches; undefined when none is that certain. */
  get settled(): DateTemplate | undefined {
    const entry = this.#entries[this.#last]
    return entry !== undefined && (entry.template.isAnchored || this.#entries.length === 1) ? entry.template : undefined
  }

  /** Templates with their hits and where they matched last, in the present order. */
  get tally(): readonly { template: DateTemplate; hits: number; distance: number }[] {
    return this.#entries
  }

  /** Counts one more hit of the last template, for a line that was known to be as the last one. */
  countAgain(): void {
    const entry = this.#entries[this.#last]
    if (entry !== undefined) entry.hits++
  }

  /** After a stop: the template that was being tried, told once; undefined: none was. */
  takeStalled(): StalledDate | undefined {
    const template = this.#running
    this.#running = undefined
    return template && { template, text: this.#text }
  }

  /** Takes a template out of use. */
  drop(dropped: DateTemplate): void {
    this.#entries = this.#entries.filter(({ template }) => template !== dropped)
    this.#last = -1
    this.#firstUnused = 0
  }

  find(line: string, isAscii: boolean, nowMs: number): FoundDate | undefined {
    this.#text = line
    const again = this.#tryLast(line, isAscii)
    const best = again?.isCertain ? again : this.#tryAll(line, isAscii, again)
    this.#running = undefined
    this.#text = ''
    if (best === undefined) return undefined
    this.#remember(line, best.at, best.found, nowMs)
    return { ...best.found, template: best.template }
  }

  /** Tries the template of the last line; not certain when it matches elsewhere than last time. */
  #tryLast(line: string, isAscii: boolean): Candidate | undefined {
    const entry = this.#entries[this.#last]
    if (entry === undefined) return undefined
    this.#running = entry.template
    const found = entry.template.find(line, isAscii)
    if (found === undefined) return undefined
    const isSamePlace = found.start === this.#lastStart && found.end === this.#lastEnd && this.#hasSameBorders(line)
    const isCertain = this.#entries.length === 1 || entry.template.isAnchored || isSamePlace
    return { found, template: entry.template, at: this.#last, isCertain }
  }

  #hasSameBorders(line: string): boolean {
    const [before, first, last, behind] = bordersOf(line, this.#lastStart, this.#lastEnd)
    const isLeftSame = before === this.#borders[0] || (first === this.#borders[1] && !/[\p{L}\p{N}]/u.test(first ?? ''))
    return (
      isLeftSame && (behind === this.#borders[3] || (last === this.#borders[2] && !/[\p{L}\p{N}]/u.test(last ?? '')))
    )
  }

  #tryAll(line: string, isAscii: boolean, reserve: Candidate | undefined): Candidate | undefined {
    let best = reserve
    for (const [at, entry] of this.#entries.entries()) {
      const { template } = entry
      // The last one was tried already, on the same text.
      if (at === this.#last && (reserve !== undefined || template.isAnchored)) continue
      this.#running = template
      const found = template.find(line, isAscii)
      if (found === undefined) continue
      const candidate = { found, template, at, isCertain: true }
      const next = this.#entries[at + 1]
      if (next === undefined || template.isAnchored) return candidate
      if (found.start === 0 && entry.hits > 0 && next.hits === 0) return candidate
      const hasMoved = found.start > entry.distance || found.start > this.#lastStart
      if (!hasMoved) return candidate
      if (best === undefined || found.start < best.found.start) best = candidate
    }
    return best
  }

  #remember(line: string, at: number, found: DateMatch, nowMs: number): void {
    const entry = this.#entries[at]
    if (entry === undefined) return
    entry.hits++
    entry.lastUsedMs = nowMs
    entry.distance = found.start
    if (this.#firstUnused === at) this.#firstUnused++
    this.#lastStart = found.start
    this.#lastEnd = found.end
    this.#borders = bordersOf(line, found.start, found.end)
    this.#last = at > 0 && at !== this.#last ? this.#moveUp(at, entry) : at
  }

  /** Moves a template up in the list when it earned it; its new place. */
  #moveUp(from: number, entry: Entry): number {
    const mayTake = (place: number) => {
      const other = this.#entries[place]
      return (
        other !== undefined && (weightOf(entry) > weightOf(other) || entry.lastUsedMs - unusedMs > other.lastUsedMs)
      )
    }
    let to = this.#firstUnused < from ? this.#firstUnused : from >> 1
    if (!mayTake(to)) {
      if (to === from - 1) return from
      to = from - 1
      if (!mayTake(to)) return from
    }
    this.#entries.splice(from, 1)
    this.#entries.splice(to, 0, entry)
    while ((this.#entries[this.#firstUnused]?.hits ?? 0) > 0) this.#firstUnused++
    return to
  }
}

interface Candidate {
  found: DateMatch
  template: DateTemplate
  at: number
  isCertain: boolean
}

const weightOf = (entry: Entry): number => (entry.hits * entry.template.weight) / Math.max(1, entry.distance)

function bordersOf(line: string, start: number, end: number): string[] {
  return [
    line.slice(Math.max(0, start - 1), start),
    line.charAt(start),
    line.slice(Math.max(0, end - 1), end),
    line.charAt(end),
  ]
}
