import type { CurrentLine } from './current-line.js'
import type { Match } from './dialect/pattern.js'
import { place } from './field-table.js'
import type { CompiledFilter, CompiledPattern } from './filter.js'
import type { Success } from './finding.js'
import { identify, type Resolve } from './identity.js'
import type { Ignoring } from './ignoring.js'
import type { MatchFields } from './match-fields.js'
import type { PatternRunner } from './pattern-runner.js'
import type { Prefix } from './prefix.js'

interface Parts {
  runner: PatternRunner
  prefix: Prefix | undefined
  fields: MatchFields
  ignoring: Ignoring
  resolve: Resolve | undefined
  onSuccess: (success: Success, pattern: CompiledPattern) => void
}

/** Looks for the lines of `successregex`, which forgive. */
export class Successes {
  readonly #filter: CompiledFilter
  readonly #parts: Parts

  constructor(filter: CompiledFilter, parts: Parts) {
    this.#filter = filter
    this.#parts = parts
  }

  /** Whether the line forgives; it is told then. `text`: what the prefix leaves of it, `before`: the match of the prefix, undefined: it was recalled. */
  find(text: string, ascii: boolean, before: Match | undefined): boolean {
    const { runner, fields, ignoring } = this.#parts
    for (const pattern of this.#filter.success) {
      const match = runner.exec(pattern, text, ascii)
      if (match === null || ignoring.covers(text, ascii)) continue
      fields.read(pattern, match, before)
      this.#tell(pattern)
      return true
    }
    return false
  }

  /** As `find`, for a line of a window. NOTE: in the window it would be found again with each of the next lines. */
  findAlone({ text, isAscii }: CurrentLine): boolean {
    const { runner, prefix } = this.#parts
    if (prefix === undefined) return this.find(text, isAscii, undefined)
    const before = runner.exec(prefix.compiled, text, isAscii)
    return before !== null && this.find(prefix.contentOf(text, before), isAscii, before)
  }

  #tell(pattern: CompiledPattern): void {
    const { fields, resolve, onSuccess } = this.#parts
    const values = fields.copies()
    const user = values[place.user]
    const ids = identify(values, this.#filter.usedns, resolve) ?? []
    for (const id of typeof ids === 'object' ? ids : [ids]) onSuccess({ id, user }, pattern)
  }
}
