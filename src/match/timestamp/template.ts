import type { Machine } from '../dialect/machine.js'
import { type Match, Pattern } from '../dialect/pattern.js'
import { widthOf } from '../dialect/width.js'
import { type Conversion, convertFields } from './convert.js'
import type { TemplateRegex } from './template-regex.js'

/** Where a template found a date in a line. */
export interface DateMatch {
  start: number
  end: number
  /** The part that is cut out: the template's group 1. */
  cutStart: number
  cutEnd: number
  match: Match
}

interface Compiled {
  pattern: Pattern
  /** Width of what follows group 1 in a match; undefined: it varies. */
  behind: number | undefined
}

/** The fields of a date and what they meant then. */
interface LastConversion {
  slots: readonly number[]
  texts: readonly (string | undefined)[]
  nowMs: number
  zoneDefault: number | undefined
  conversion: Conversion
}

/** One kind of date that can be searched for. */
export class DateTemplate {
  readonly name: string
  /** The pattern as written; undefined for the built-in epoch and TAI64N templates. */
  readonly written: string | undefined
  readonly isLineBegin: boolean
  readonly isAnchored: boolean
  readonly weight: number
  readonly #regex: TemplateRegex
  #compiled: Compiled | undefined
  #last: LastConversion | undefined

  /** Compiles nothing yet: of the default templates nearly all are never needed, and all together take 40 ms. */
  constructor(regex: TemplateRegex, weight = 1) {
    this.name = regex.name
    this.written = regex.written
    this.isLineBegin = regex.isLineBegin
    this.isAnchored = regex.isLineBegin || regex.isLineEnd
    this.weight = weight
    this.#regex = regex
  }

  /** How a date is searched for, in Python's dialect. */
  get source(): string {
    return this.#regex.source
  }

  /** Throws PatternError, at the first use. */
  get pattern(): Pattern {
    return this.#compile().pattern
  }

  find(line: string, isAscii: boolean): DateMatch | undefined {
    const { pattern, behind } = this.#compiled ?? this.#compile()
    const match = pattern.exec(line, isAscii)
    if (match === null) return undefined
    const start = match.index
    const end = start + (match[0]?.length ?? 0)
    const cut = match[pattern.slotOfGroup[1] ?? 0]
    if (behind !== undefined && cut !== undefined) {
      return { start, end, cutStart: end - behind - cut.length, cutEnd: end - behind, match }
    }
    return this.#locate(line, start, end, match)
  }

  /** What the found text means. */
  convert(found: DateMatch, nowMs: number, zoneDefault: number | undefined): Conversion {
    const text = found.match[this.pattern.slotOfGroup[this.#regex.valueGroup] ?? 0] ?? ''
    switch (this.#regex.kind) {
      case 'epoch':
        return { timeMs: Number(text) * 1000, isAssumed: false }
      case 'longEpoch':
        return { timeMs: longEpochMs(text), isAssumed: false }
      case 'tai64n':
        // The label begins with 2^62; TAI seconds are taken as they are, without leap seconds.
        return { timeMs: Number.parseInt(text.slice(2, 17), 16) * 1000, isAssumed: false }
      case 'fields':
        return this.#convertFields(found.match, nowMs, zoneDefault)
    }
  }

  #compile(): Compiled {
    if (this.#compiled !== undefined) return this.#compiled
    const pattern = new Pattern(this.#regex.source, { keep: [1, this.#regex.valueGroup] })
    this.#compiled = { pattern, behind: widthBehindGroup1(pattern) }
    return this.#compiled
  }

  /** Lines come in bursts with the same date: comparing its fields with those of the last takes a tenth of the time of reading them. */
  #convertFields(match: Match, nowMs: number, zoneDefault: number | undefined): Conversion {
    const { pattern } = this
    const last = this.#last
    if (last !== undefined && last.nowMs === nowMs && last.zoneDefault === zoneDefault) {
      let isSame = true
      for (let i = 0; i < last.slots.length && isSame; i++) isSame = last.texts[i] === match[last.slots[i] ?? 0]
      if (isSame) return last.conversion
    }
    const fields: Record<string, string> = {}
    for (const [name, slot] of pattern.slots) {
      const text = match[slot]
      if (text !== undefined) fields[name] = text
    }
    const conversion = convertFields(fields, nowMs, zoneDefault)
    const slots = [...pattern.slots.values()]
    // NOTE: not the match itself, which would keep the whole chunk of log.
    this.#last = { slots, texts: slots.map((slot) => match[slot]), nowMs, zoneDefault, conversion }
    return conversion
  }

  /** Where group 1 lies cannot be told from lengths: our own machine knows. */
  #locate(line: string, start: number, end: number, match: Match): DateMatch | undefined {
    const machine: Machine = this.pattern.machine
    if (!machine.search(line, start)) return undefined
    const cutStart = machine.marks[2] ?? -1
    // A group 1 that took no part: nothing is cut, as with an empty one.
    return cutStart < 0
      ? { start, end, cutStart: 0, cutEnd: 0, match }
      : { start, end, cutStart, cutEnd: machine.marks[3] ?? 0, match }
  }
}

function widthBehindGroup1(pattern: Pattern): number | undefined {
  const { root } = pattern.syntax
  const items = root.type === 'sequence' ? root.items : [root]
  const at = items.findIndex((item) => item.type === 'capture' && item.index === 1)
  if (at < 0) return undefined
  let behind = 0
  for (const item of items.slice(at + 1)) {
    const { min, max } = widthOf(item)
    if (min !== max) return undefined
    // Code points, but lengths are in UTF-16 units: only ASCII is certain to have one of each.
    if (min > 0 && !(item.type === 'char' && item.code < 128)) return undefined
    behind += min
  }
  return behind
}

/** 10 or 11 digits are seconds, 13 and more milliseconds, 16 and more microseconds. */
function longEpochMs(text: string): number {
  if (text.length < 13) return Number(text) * 1000
  return text.length >= 16 && !text.includes('.') ? Number(text) / 1000 : Number(text)
}
