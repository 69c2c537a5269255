import { marksByDefault } from '../sighting.js'

/** How much evidence from how many nodes makes a ban: the options of a jail with `backend = fleet`. */
export interface QuorumRule {
  /** Failures of all nodes together; where one node is enough, bans of so many nodes. */
  maxRetry: number
  /** Distinct nodes. */
  minNodes: number
  /** Failures on each node; a node with fewer counts for nothing. */
  minPerNode: number
  findTimeMs: number
  /** Jails whose failures count; undefined: all. */
  jails?: readonly string[]
  /** The name of the fleet's own jail: what a node tells of that one it knows from others, and it never counts. */
  fleetJail: string
}

/** More nodes than this are told apart by no rule: so many at once are enough for any. */
const nodesMax = 64
/** Up to here every count is told apart; above, the marks that nodes tell at. */
const exactMax = 10

/**
 * Whether a rule counts failures, and nodes have to tell sightings; otherwise it counts bans. `maxretry = 1` alone means that one
 * node's ban is enough, and not that one node's first failure is.
 */
export function countsFailures({ minNodes, minPerNode }: QuorumRule): boolean {
  return minNodes > 1 || minPerNode > 1
}

/** Whether the ban of one node makes a ban. */
export function isOneEnough(rule: QuorumRule): boolean {
  return !countsFailures(rule) && rule.maxRetry <= 1
}

/** Whether these nodes, of whom each has told so many failures (or bans), are enough. `nodesNeeded`: more of them than the rule asks for. */
export function isEnough(
  { minNodes, maxRetry }: QuorumRule,
  evidence: readonly { failures: number }[],
  nodesNeeded = minNodes,
): boolean {
  if (evidence.length < Math.min(nodesMax, nodesNeeded)) return false
  return evidence.length >= nodesMax || evidence.reduce((sum, { failures }) => sum + failures, 0) >= maxRetry
}

/** At which counts a node has to tell so that this rule, on all nodes, counts right. */
export function marksOf(rule: QuorumRule): readonly number[] {
  return countsFailures(rule) ? ascending([...marksByDefault, ...rungsOf(rule)]) : []
}

/** The counts of one node that this rule tells apart, ascending; what is between two counts as the lower one. */
export function rungsOf(rule: QuorumRule): readonly number[] {
  if (!countsFailures(rule)) return [1]
  const least = Math.max(1, rule.minPerNode)
  const most = Math.max(rule.maxRetry, least)
  const exact = Array.from({ length: Math.min(most, exactMax) }, (_, i) => i + 1)
  return ascending([...exact, ...marksByDefault, least, most].filter((count) => count >= least && count <= most))
}

/** Nodes that have to be remembered of one address so that nothing is counted wrong (see `Quorum`). */
export function slotsOf(rule: QuorumRule): number {
  const [least = 1] = rungsOf(rule)
  // Two at the least: a node that counts only with others needs another one.
  return Math.min(nodesMax, Math.max(2, rule.minNodes, Math.ceil(rule.maxRetry / least)))
}

function ascending(counts: readonly number[]): number[] {
  return [...new Set(counts)].sort((a, b) => a - b)
}
