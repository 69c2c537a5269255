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
  /** An IPv6 address stands for its network of this many bits; missing: for itself alone. */
  ipv6Prefix?: number
  /** When a whole network is banned; missing: never. */
  subnetEscalate?: SubnetRule
  /** Whom a line of `successregex` forgives: `ip` all failures of its address (default), `user` only those for its user. */
  successBy?: 'ip' | 'user'
}

/** `subnet_escalate = 5 in 1h for 1d`. */
export interface SubnetRule {
  /** So many members banned at once ... */
  count: number
  /** ... whose bans began within this time ... */
  windowMs: number
  /** ... ban their network for so long; missing: as long as the last of them. */
  banTimeMs?: number
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
