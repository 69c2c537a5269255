import { Quorum, type QuorumVerdict, type Weight } from '../../fleet/quorum/quorum.js'
import type { QuorumRule } from '../../fleet/quorum/rule.js'
import type { BanWord, NodeName, SightingWord } from '../../fleet/word.js'
import type { JailUnit } from '../jails.js'
import type { FleetState } from './fleet-state.js'

/** The jails with `backend = fleet`: each counts by its own rule what the others tell. */
export class FleetJails {
  readonly #state: FleetState
  readonly #quorums = new Map<string, { text: string; quorum: Quorum }>()

  constructor(state: FleetState) {
    this.#state = state
  }

  offer(word: BanWord | SightingWord, weight: Weight): void {
    for (const unit of this.#units()) {
      const verdict = this.#quorumOf(unit).offer(word, weight)
      if (verdict !== undefined) this.#ban(unit, verdict)
    }
  }

  /** What a node has told counts no more. */
  withdraw(node: NodeName): void {
    for (const { quorum } of this.#quorums.values()) quorum.withdraw(node)
  }

  /** Nobody tells of it any more. */
  lift(ip: string): void {
    for (const unit of this.#units()) {
      this.#quorumOf(unit).forget(ip)
      this.#state.bans.lift(ip, unit.name)
    }
  }

  /** An operator has lifted it for the whole fleet. */
  liftEverywhere(ip: string): void {
    for (const unit of this.#units()) this.#quorumOf(unit).forget(ip)
    this.#state.bans.lift(ip)
  }

  #ban(unit: JailUnit, { id, evidence }: QuorumVerdict): void {
    const { bans, clock } = this.#state
    if (unit.jail.ignores(id) !== undefined) return
    const nodes = evidence.map(({ node, failures }) => `${node}: ${failures}`).join(', ')
    bans.enact({
      jail: unit.name,
      id,
      startMs: clock.now(),
      durationMs: unit.config.jail.banTimeMs,
      origin: { kind: 'jail' },
      count: 1,
      failures: 0,
      lines: [`Banned by ${nodes}`],
      data: {},
    })
  }

  *#units(): Iterable<JailUnit> {
    for (const unit of this.#state.jails.values())
      if (unit.config.source.kind === 'fleet' && unit.state === 'running') yield unit
  }

  /** A changed rule counts anew. */
  #quorumOf(unit: JailUnit): Quorum {
    const rule = ruleOf(unit)
    const text = JSON.stringify(rule)
    const known = this.#quorums.get(unit.name)
    if (known?.text === text) return known.quorum
    const quorum = new Quorum({ rule })
    this.#quorums.set(unit.name, { text, quorum })
    return quorum
  }
}

function ruleOf({ name, config: { source, jail } }: JailUnit): QuorumRule {
  const { minNodes = 1, minPerNode = 1, jails = undefined } = source.kind === 'fleet' ? source : {}
  return {
    maxRetry: jail.maxretry,
    minNodes,
    minPerNode,
    findTimeMs: jail.findTimeMs,
    ...(jails && { jails }),
    fleetJail: name,
  }
}
