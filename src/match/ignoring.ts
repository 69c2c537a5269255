import type { CompiledPattern } from './filter.js'
import type { PatternRunner } from './pattern-runner.js'

/** The ignoreregexes of a filter. */
export class Ignoring {
  readonly #patterns: readonly CompiledPattern[]
  readonly #runner: PatternRunner
  readonly #triesAll: boolean
  readonly #onIgnored: ((pattern: CompiledPattern) => void) | undefined

  /** `triesAll`: tells of each that matches, not of the first only. */
  constructor(
    patterns: readonly CompiledPattern[],
    runner: PatternRunner,
    options: { triesAll?: boolean; onIgnored?: (pattern: CompiledPattern) => void },
  ) {
    this.#patterns = patterns
    this.#runner = runner
    this.#triesAll = options.triesAll === true
    this.#onIgnored = options.onIgnored
  }

  get count(): number {
    return this.#patterns.length
  }

  covers(text: string, ascii: boolean): boolean {
    let is = false
    for (const pattern of this.#patterns) {
      if (this.#runner.exec(pattern, text, ascii) === null) continue
      is = true
      this.#onIgnored?.(pattern)
      if (!this.#triesAll) break
    }
    return is
  }
}
