/** `[a-z0-9-]{1,32}`: how a node is called in its fleet. */
export type NodeName = string

/** What one node tells the others. Times in epoch milliseconds by the clock of the node that tells. */
export type Word = BanWord | UnbanWord | SightingWord

interface Told {
  node: NodeName
  /** Number of the word among those of its node, from 1, growing by one; kept over restarts. */
  seq: number
  atMs: number
}

/** The node has banned somebody, by itself. What it learnt from others it does not tell again. */
export interface BanWord extends Told {
  kind: 'ban'
  /** Canonical address or network. */
  ip: string
  jail: string
  /** Undefined: permanent. */
  untilMs: number | undefined
  /** Failures that led to it; 0: by hand. */
  failures: number
  /** An operator's word, not a jail's. */
  byHand: boolean
}

/** A ban of that node is lifted by hand, or, `everywhere`, an operator has lifted it for the whole fleet. */
export interface UnbanWord extends Told {
  kind: 'unban'
  ip: string
  /** Undefined: in all jails. */
  jail: string | undefined
  everywhere: boolean
  /** Until when bans from before `atMs` stay lifted, also on nodes that come back later (the tombstone's end). */
  untilMs: number
}

/** The node's own count of failures of somebody has reached a mark: 1, 3, 10, 30 (sighting), or another that a rule needs (quorum/rule). */
export interface SightingWord extends Told {
  kind: 'sighting'
  ip: string
  jail: string
  failures: number
  windowMs: number
}
