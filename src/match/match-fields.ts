import type { Match } from './dialect/pattern.js'
import { FieldPlan, type FieldTable, type FieldValues, type LineState, wellKnownCount } from './field-table.js'
import type { CompiledPattern } from './filter.js'
import { copyOver } from './own-copy.js'
import type { Prefix } from './prefix.js'

/** The fields of the match at hand. One object for all matches of a list of patterns, for reading one must cost nothing. */
export class MatchFields {
  /** NOTE: the texts are windows into the chunk. */
  readonly values: FieldValues
  /** What the match says about its line. */
  readonly state: LineState = { isNofail: false, isGained: false, isForgotten: false }
  readonly #table: FieldTable
  readonly #prefix: Prefix | undefined
  readonly #plans: readonly FieldPlan[]
  /** For each pattern the places of its fields and the prefix's, and of those that a session keeps. */
  readonly #placesOf: readonly (readonly number[])[]
  readonly #keptOf: readonly (readonly number[])[]
  #places = noPlaces
  #kept = noPlaces

  /** `isBrief`: a session keeps only the fields that say who it was. */
  constructor(
    patterns: readonly CompiledPattern[],
    { table, prefix, isBrief }: { table: FieldTable; prefix: Prefix | undefined; isBrief: boolean },
  ) {
    this.#table = table
    this.#prefix = prefix
    this.values = table.empty()
    this.#plans = patterns.map((pattern) => new FieldPlan(pattern, table))
    const ofPrefix = prefix?.fields.places ?? noPlaces
    this.#placesOf = this.#plans.map((plan) => [...new Set([...ofPrefix, ...plan.places])])
    this.#keptOf = this.#placesOf.map((places) => places.filter((at) => !isBrief || at < wellKnownCount))
  }

  /** Reads the fields of a match; `before` is that of the prefix, undefined: it was recalled. */
  read({ index }: CompiledPattern, match: Match, before: Match | undefined): void {
    const { values, state } = this
    for (let i = 0; i < this.#places.length; i++) values[this.#places[i] ?? 0] = undefined
    this.#places = this.#placesOf[index] ?? noPlaces
    this.#kept = this.#keptOf[index] ?? noPlaces
    state.isNofail = false
    state.isGained = false
    state.isForgotten = false
    if (before === undefined) this.#prefix?.fillRecalled(values)
    else {
      this.#prefix?.fields.fill(values, before)
      this.#prefix?.fields.readState(state, before)
    }
    const plan = this.#plans[index]
    plan?.fill(values, match)
    plan?.readState(state, match)
  }

  /** Own copies of what a session keeps over `target`. */
  copyKeptOver(target: FieldValues): void {
    copyOver(target, this.values, this.#kept)
  }

  /** Own copies of all of them. */
  copies(): FieldValues {
    const copies = this.#table.empty()
    copyOver(copies, this.values, this.#places)
    return copies
  }
}

const noPlaces: readonly number[] = []
