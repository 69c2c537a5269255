import type { CompiledFilter } from './filter.js'
import { Prefilter, requiredLiterals, withoutCovered } from './prefilter.js'

/** Finds the lines of a chunk that any of several filters can have an answer for: one search for all jails of a source instead of one for each. */
export class Survey {
  readonly #prefilter: Prefilter | undefined

  constructor(filters: readonly CompiledFilter[]) {
    // A filter without literals reads every line anyway, and does not spoil it for the others.
    const literals = withoutCovered(filters.flatMap((filter) => requiredLiterals(filter) ?? []))
    this.#prefilter = literals.length > 0 ? new Prefilter(literals) : undefined
  }

  /** Begins of those lines, ascending; to be handed to each filter's LineMatcher as `candidates`. Undefined: there is nothing to look for. */
  candidates(text: string): number[] | undefined {
    const prefilter = this.#prefilter
    if (prefilter === undefined) return undefined
    const starts: number[] = []
    for (let at = prefilter.next(text, 0); at >= 0; ) {
      starts.push(at === 0 ? 0 : text.lastIndexOf('\n', at - 1) + 1)
      const end = text.indexOf('\n', at)
      at = end < 0 ? -1 : prefilter.next(text, end + 1)
    }
    return starts
  }
}
