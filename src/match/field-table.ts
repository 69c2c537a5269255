import { reprText } from '../lib/python-text.js'
import type { Match, Pattern } from './dialect/pattern.js'
import type { CompiledPattern } from './filter.js'
import { fieldOfTag } from './tags.js'

/** Texts of fields, each in the place that the filter's table gives its name. An array, for it is filled and merged for every line that matches. */
export type FieldValues = (string | undefined)[]

/** The fields that a filter knows: the named groups of its prefix and fail patterns, and what is made of them. Places are fixed when it is built. */
export class FieldTable {
  readonly names: readonly string[]
  readonly #places: ReadonlyMap<string, number>
  readonly #empty: FieldValues
  /** By the set of fields, a bit for each (fewer than 32). */
  readonly #shapes = new Map<number, RecordShape>()
  #lastBits = 0
  #lastShape: RecordShape | undefined

  constructor(patterns: readonly Pattern[]) {
    const names = new Set<string>(wellKnown)
    for (const pattern of patterns) {
      for (const name of pattern.slots.keys()) {
        names.add(name)
        const complex = complexName(name)
        if (complex !== undefined) names.add(complex.field)
      }
    }
    this.names = [...names]
    this.#places = new Map(this.names.map((name, place) => [name, place]))
    this.#empty = this.names.map(() => undefined)
  }

  placeOf(name: string): number {
    return this.#places.get(name) ?? -1
  }

  empty(): FieldValues {
    return this.#empty.slice()
  }

  /** The fields that are set, by name. */
  toRecord(values: FieldValues): Record<string, string> {
    const { template, places, names } = this.#shapeOf(values)
    // A copy of an object that has the fields already is made at once; adding them one by one took twice as long.
    const record = { ...template }
    for (let i = 0; i < places.length; i++) record[names[i] ?? ''] = values[places[i] ?? 0] ?? ''
    return record
  }

  #shapeOf(values: FieldValues): RecordShape {
    if (values.length > shapeBits) return this.#newShape(values)
    let bits = 0
    for (let i = 0; i < values.length; i++) if (values[i] !== undefined) bits |= 1 << i
    if (this.#lastShape !== undefined && bits === this.#lastBits) return this.#lastShape
    const shape = this.#shapes.get(bits) ?? this.#newShape(values)
    // Full: begun anew. There are as many as patterns and ways through them, and few occur.
    if (this.#shapes.size >= shapesMax) this.#shapes.clear()
    this.#shapes.set(bits, shape)
    this.#lastBits = bits
    this.#lastShape = shape
    return shape
  }

  #newShape(values: FieldValues): RecordShape {
    const places = this.names.flatMap((_, place) => (values[place] === undefined ? [] : [place]))
    const names = places.map((place) => this.names[place] ?? '')
    return { places, names, template: Object.fromEntries(names.map((name) => [name, ''])) }
  }
}

/** A record with certain fields: where their texts are, and an object that has just these. */
interface RecordShape {
  places: readonly number[]
  names: readonly string[]
  template: Readonly<Record<string, string>>
}

const shapesMax = 100
/** Fields of a filter that has more are made a record one by one. */
const shapeBits = 31

/** Fields with a meaning of their own; they have the same place in every table. */
const wellKnown = ['fid', 'ip4', 'ip6', 'dns', 'cidr', 'user', 'ip', 'mlfid'] as const

export const wellKnownCount = wellKnown.length

export const place = { fid: 0, ip4: 1, ip6: 2, dns: 3, cidr: 4, user: 5, ip: 6, mlfid: 7 } as const satisfies Record<
  (typeof wellKnown)[number],
  number
>

/** Groups that say something about the line rather than about who did what; they are no fields. */
export interface LineState {
  isNofail: boolean
  isGained: boolean
  isForgotten: boolean
}

const stateNames = ['nofail', 'mlfgained', 'mlfforget']

/** How the named groups of one pattern become fields, decided once. */
export class FieldPlan {
  readonly #slots: readonly number[]
  readonly #places: readonly number[]
  /** `next`: a further part of a tuple. */
  readonly #complex: readonly { kind: 'alt' | 'tuple' | 'next'; from: number; to: number }[]
  readonly #nofail: number
  readonly #gained: number
  readonly #forgotten: number

  /** `without`: a group that is no field. */
  constructor({ pattern }: Pick<CompiledPattern, 'pattern'>, table: FieldTable, without?: string) {
    const groups = [...pattern.slots].filter(([name]) => name !== without && !stateNames.includes(name))
    this.#slots = groups.map(([, slot]) => slot)
    this.#places = groups.map(([name]) => table.placeOf(name))
    this.#complex = groups
      .map(([name]) => name)
      .sort()
      .flatMap((name) => {
        const complex = complexName(name)
        return complex === undefined
          ? []
          : [{ kind: complex.kind, from: table.placeOf(name), to: table.placeOf(complex.field) }]
      })
      .sort((a, b) => (a.kind === b.kind ? 0 : a.kind === 'alt' ? -1 : 1))
      .map((one, at, all) => {
        const isNext =
          one.kind === 'tuple' && all.slice(0, at).some(({ kind, to }) => kind === 'tuple' && to === one.to)
        return isNext ? { ...one, kind: 'next' } : one
      })
    this.#nofail = pattern.slots.get('nofail') ?? -1
    this.#gained = pattern.slots.get('mlfgained') ?? -1
    this.#forgotten = pattern.slots.get('mlfforget') ?? -1
  }

  /** Places of all fields that it may fill. */
  get places(): readonly number[] {
    return [...this.#places, ...this.#complex.map(({ to }) => to)]
  }

  /** Whether every group is a field as it stands, and none says anything about the line. */
  get isPlain(): boolean {
    return this.#complex.length === 0 && this.#nofail < 0 && this.#gained < 0 && this.#forgotten < 0
  }

  /** Puts the groups that took part in the match over `values`. NOTE: the texts may be windows into a chunk of log. */
  fill(values: FieldValues, match: Match): void {
    if (this.#complex.length > 0) {
      this.#fillComplex(values, match)
      return
    }
    for (let i = 0; i < this.#slots.length; i++) {
      const text = match[this.#slots[i] ?? 0]
      if (text !== undefined) values[this.#places[i] ?? 0] = text
    }
  }

  /** Adds what the match says about the line. An empty group says nothing. */
  readState(state: LineState, match: Match): void {
    if (this.#gained >= 0 && match[this.#gained]) state.isGained = true
    if (this.#forgotten >= 0 && match[this.#forgotten]) state.isForgotten = true
    if (this.#nofail >= 0 && match[this.#nofail]) state.isNofail = true
  }

  /** Stand-ins (`alt_user_1` for `user`) look at this match alone, then all of it goes over what is there. */
  #fillComplex(values: FieldValues, match: Match): void {
    const own: FieldValues = []
    for (let i = 0; i < this.#slots.length; i++) {
      const text = match[this.#slots[i] ?? 0]
      if (text !== undefined) own[this.#places[i] ?? 0] = text
    }
    for (const { kind, from, to } of this.#complex) {
      const text = own[from]
      if (kind === 'tuple') own[to] = `(${shown(own[to])}, ${shown(text)})`
      else if (kind === 'next') own[to] = `${own[to]?.slice(0, -1)}, ${shown(text)})`
      else if (text && !own[to]) own[to] = text
    }
    for (let i = 0; i < own.length; i++) if (own[i] !== undefined) values[i] = own[i]
  }
}

/** `alt_X`, `alt_X_1`: stands in for X where that is empty. `tuple_X`: becomes part of X (spec section 3.2). */
export function complexName(name: string): { kind: 'alt' | 'tuple'; field: string } | undefined {
  const parts = /^(alt|tuple)_(.*?)(?:_\d+)?$/.exec(name)
  if (parts === null) return undefined
  return { kind: parts[1] === 'alt' ? 'alt' : 'tuple', field: fieldOfTag(parts[2] ?? '') }
}

/** A part of a tuple as Fail2ban prints it: `('12', 'abc')`. */
function shown(text: string | undefined): string {
  return text === undefined ? 'None' : reprText(text)
}
