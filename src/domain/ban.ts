/** Who decided. A jail, an operator, or (restored) our own past self. */
export type BanOrigin = { kind: 'jail' } | { kind: 'operator' } | { kind: 'restored' }

/** A decision that somebody is shut out, until when, by whose word and why. */
export interface Ban {
  jail: string
  /** Canonical address or network, or raw text where the filter's id is none. */
  id: string
  /** Epoch milliseconds of the ban's begin. */
  startMs: number
  /** Length in milliseconds; undefined: permanent (Fail2ban's -1). */
  durationMs: number | undefined
  origin: BanOrigin
  /** Number of bans of this id so far, this one included. */
  count: number
  /** Failures that led to it; 0 for a ban by hand. */
  failures: number
  /** The last matching lines, oldest first. Hostile text. */
  lines: readonly string[]
  /** Named groups of the first failure. Hostile text. */
  data: Readonly<Record<string, string>>
}

/** Epoch milliseconds of the ban's end; Infinity when it is permanent. */
export function endMs(ban: Pick<Ban, 'startMs' | 'durationMs'>): number {
  return ban.durationMs === undefined ? Number.POSITIVE_INFINITY : ban.startMs + ban.durationMs
}
