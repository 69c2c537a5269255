import type { Closure, TimedClosure } from './enforcer.js'

/** What an audit asks of whoever decides who is shut out. */
export interface AuditRequest {
  /** Everything that is to be in force, one at a time; asked for in steps, between which other things happen. */
  wanted(): Iterable<TimedClosure>
  /** Whether this is to be in force now, and for how long; undefined: it is not. */
  wantedNow(closure: Closure): TimedClosure | undefined
  /** Resolves when every decision so far has reached the enforcer, or was refused by it once. */
  settled(): Promise<void>
  /** Only what somebody else has touched is looked at; missing: everything. */
  only?: Touched
  /** Whether very large sets are searched for what nobody wants, too: that takes a minute and more. */
  isThorough: boolean
  /** Whether what nobody wants is removed. */
  removeForeign: boolean
  /** Ends it early; what it has repaired by then stays repaired. */
  signal?: AbortSignal
  /** Told of what turns out not to be in force, and again when it is. */
  onFound(closure: Closure, isEnforced: boolean): void
}

export interface Touched {
  closures: readonly Closure[]
  /** Whether networks were, too. */
  networks: boolean
}

/** What an audit has found, and done about it. A network counts as the pieces that the kernel has of it. */
export interface Audit {
  /** Looked at. */
  wanted: number
  /** In force at the end. */
  enforced: number
  /** Were not in force, though they had been made so. */
  missing: number
  /** Would have ended more than 2 s too early or too late. */
  wrongEnd: number
  /** In force, though nobody wants it. */
  foreign: number
  /** Foreign ones that were removed. */
  removed: number
  /** Missing ones and wrong ends that were put right. */
  repaired: number
  /** Whether table, chains, rules or sets were not as we had put them; they are again. */
  rearranged: boolean
  /** The first few, as `sshd 192.0.2.1`. */
  examples: { missing: string[]; foreign: string[] }
  /** Why something could not be repaired. */
  trouble: string | undefined
  durationMs: number
}

/** What others have done to what is ours. */
export interface ForeignChange {
  /** The table, a chain, a rule or a set: not only what is in it. */
  isStructure: boolean
  /** Undefined: too many to tell, or the news were lost. */
  touched: Touched | undefined
  /** Who, as far as the kernel says: `nft (pid 42)`. */
  by: string | undefined
}
