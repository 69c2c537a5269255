import type { Match } from './dialect/pattern.js'
import type { CompiledPattern } from './filter.js'
import type { Quarantine } from './quarantine.js'

/** A pattern that was at work when it was stopped, and the text that it searched. Hostile text. */
export interface Stalled {
  pattern: CompiledPattern
  text: string
}

/** Runs the patterns that are in use, and knows which one is at work: for those who stop it when it takes too long. */
export class PatternRunner {
  readonly #quarantine: Quarantine | undefined
  #running: CompiledPattern | undefined
  #text = ''

  /** `quarantine`: patterns not to be used, which match nothing. */
  constructor(quarantine?: Quarantine) {
    this.#quarantine = quarantine
  }

  /** Whether every pattern is in use: then, and only then, what is known of an earlier search may stand in for a new one. */
  get usesAll(): boolean {
    return this.#quarantine === undefined || this.#quarantine.isEmpty
  }

  exec(compiled: CompiledPattern, text: string, ascii: boolean): Match | null {
    if (this.#quarantine?.isEmpty === false && this.#quarantine.has(compiled)) return null
    this.#running = compiled
    this.#text = text
    const match = compiled.pattern.exec(text, ascii)
    this.#running = undefined
    return match
  }

  /** After a stop: what was at work, told once; undefined: no pattern was, it may have been a date's. */
  takeStalled(): Stalled | undefined {
    const pattern = this.#running
    this.#running = undefined
    return pattern && { pattern, text: this.#text }
  }
}
