import type { Answered } from '../../fleet/calls/calling.js'
import type { Facts } from '../../fleet/calls/facts.js'
import type { NodeName } from '../../fleet/word.js'

/** When another machine was last seen, and what it then said of itself. */
export interface Seen {
  heardMs: number
  facts?: Facts | undefined
  /** There and back, without what it took the other one itself; missing: it was never asked. */
  lagMs?: number
}

/** The other machines, as they have last shown themselves. Only members do, so there are no more. */
export class Presence {
  readonly #seen = new Map<NodeName, Seen>()

  /** A heartbeat of then has come, maybe long after that. */
  alive(node: NodeName, heardMs: number, facts?: Facts): void {
    const known = this.#seen.get(node)
    if (known !== undefined && known.heardMs > heardMs) return
    this.#seen.set(node, { ...known, heardMs, facts: facts ?? known?.facts })
  }

  answered(node: NodeName, { afterMs, tookMs, facts }: Answered, nowMs: number): void {
    this.#seen.set(node, { heardMs: nowMs, facts, lagMs: Math.max(0, afterMs - tookMs) })
  }

  of(node: NodeName): Seen | undefined {
    return this.#seen.get(node)
  }
}
