import type { Match } from './dialect/pattern.js'
import type { CompiledPattern } from './filter.js'
import type { Session } from './sessions.js'

/** What a pattern found in a line. */
export interface Finding {
  pattern: CompiledPattern
  /** Undefined: a session that waits for an address. */
  id: string | undefined
  timeMs: number | undefined
  fields: Record<string, string>
  lines: string[]
  /** User names tried in the session; told only when all patterns are tried. */
  users: ReadonlySet<string> | undefined
  /** Not to be counted (`<F-NOFAIL>`); told only when all patterns are tried. */
  isNofail: boolean
}

/** A line that forgives: somebody got in. Its texts own their memory. */
export interface Success {
  id: string
  user: string | undefined
}

/** Is shown the search at work, for tools that tell more of it than its findings. */
export interface Probe {
  /** The prefix was tried on a line. */
  onPrefix?(match: Match | null): void
  /** Whether the prefix matches was known from other lines. When this is missing, all lines are searched. */
  onPrefixKnown?(isMatch: boolean): void
  /** A pattern matched and its fields were merged into its session, if there is one; its findings follow. */
  onMatch?(hit: PatternHit): void
}

export interface PatternHit {
  pattern: CompiledPattern
  match: Match
  /** The match of the prefix. */
  before: Match | undefined
  session: Session | undefined
  /** The lines of a multi-line match, as written; undefined: the line itself. */
  lines: readonly string[] | undefined
}
