import type { CompiledPattern } from './filter.js'

/** A pattern that took too long, and the line on which it did. Hostile text. */
export interface Quarantined {
  pattern: CompiledPattern
  line: string
  /** Epoch milliseconds. */
  sinceMs: number
}

/** The patterns of one jail that are not used any more because they would stall the daemon. Empty again when the jail is built anew. */
export class Quarantine {
  readonly #entries = new Map<CompiledPattern, Quarantined>()

  get entries(): readonly Quarantined[] {
    return [...this.#entries.values()]
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0
  }

  has(pattern: CompiledPattern): boolean {
    return this.#entries.has(pattern)
  }

  add(entry: Quarantined): void {
    this.#entries.set(entry.pattern, entry)
  }
}
