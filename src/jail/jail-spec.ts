import type { Sourced } from '../domain/origin.js'

/** How a jail counts and for how long it bans (spec 2.2). Durations in milliseconds. */
export interface JailSpec {
  name: string
  maxretry: number
  findTimeMs: number
  /** Undefined: permanent (`bantime = -1`). */
  banTimeMs: number | undefined
  /** Matching lines kept for each address; 0: none. */
  maxmatches: number
  /** Addresses, networks, DNS names, `file:` lists that are never banned. */
  ignoreip: readonly Sourced[]
  /** Whether this machine's own addresses are ignored. */
  ignoreself: boolean
  ignorecommand?: string
  ignorecache?: string
  increment?: BanTimeIncrement
}

/** `bantime.*` options (spec 5.5), as written. */
export interface BanTimeIncrement {
  factor?: string
  formula?: string
  multipliers?: readonly number[]
  maxTimeMs?: number
  rndTimeMs?: number
  overalljails: boolean
}
