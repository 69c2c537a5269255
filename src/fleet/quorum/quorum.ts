import { addressKey } from '../address-key.js'
import { AddressTable } from '../address-table.js'
import type { BanWord, NodeName, SightingWord } from '../word.js'
import { Recency } from './recency.js'
import { countsFailures, isEnough, type QuorumRule, rungsOf, slotsOf } from './rule.js'
import { type Slot, Slots } from './slots.js'

/** That there is evidence enough against an address. */
export interface QuorumVerdict {
  ip: string
  /** Of the newest word, by the clock of the node that told it. */
  timeMs: number
  /** Whose words count, and how many failures (or bans) each has told, at least. */
  evidence: { node: NodeName; failures: number }[]
}

export interface QuorumOptions {
  rule: QuorumRule
  /** Addresses that are counted at a time. */
  addressesMax?: number
}

interface Evidence {
  evidence: QuorumVerdict['evidence']
  /** Whether the word of one of them does something by itself. */
  isAnyAlone: boolean
  newestMs: number
}

/** How far the word goes by itself, as the judge has it. */
export type Weight = 'alone' | 'with-others'

/** A ban that holds. */
export interface StandingBan {
  node: NodeName
  jail: string
  failures: number
  weight: Weight
}

const addressesMaxByDefault = 1_000_000

/**
 * Counts, for each address, which nodes have told how many failures within the find time. It looks at the times in the words only, never at
 * our clock: nodes that have heard the same words have the same counts, in whatever order the words came, and however often, as long as
 * none is older than the newest by more than the find time. A clock that is wrong by some minutes makes the find time shorter or longer
 * by so much, on all nodes alike.
 *
 * Remembering the newest K nodes of an address is exact: as soon as there are K within the find time, the rule is fulfilled
 * (`slotsOf`); while there are fewer, all of them are remembered.
 *
 * Whoever offers a word has opened and judged it, and has looked whether bans of the address from that time are lifted
 * (`KnownBans.isLifted`). Words of operators need no quorum and do not belong here.
 */
export class Quorum {
  readonly #rule: QuorumRule
  readonly #jails: ReadonlySet<string> | undefined
  readonly #rungs: readonly number[]
  readonly #addressesMax: number
  readonly #slots: Slots
  readonly #rows = new AddressTable()
  readonly #recency = new Recency()
  /** Members only, so there are not many. A name keeps its number. */
  readonly #numbers = new Map<NodeName, number>()
  readonly #names: NodeName[] = []
  #dropped = 0

  constructor({ rule, addressesMax = addressesMaxByDefault }: QuorumOptions) {
    this.#rule = rule
    this.#jails = rule.jails && new Set(rule.jails)
    this.#rungs = rungsOf(rule)
    this.#addressesMax = addressesMax
    this.#slots = new Slots({ slots: slotsOf(rule), rungs: this.#rungs.length })
  }

  /** Undefined: it is no news, or not enough. What adds to evidence that was enough before is told again; a ban of a banned has no effect. */
  offer(word: SightingWord | BanWord, weight: Weight = 'alone'): QuorumVerdict | undefined {
    const rung = this.#rungOf(word)
    if (rung < 0) return undefined
    const key = addressKey(word.ip)
    const known = this.#rows.find(key)
    const row = known < 0 ? this.#slots.take() : known
    const isAlone = weight === 'alone'
    if (!this.#slots.set(row, { node: this.#numberOf(word.node), rung, atMs: word.atMs, isAlone })) return undefined
    if (known >= 0) {
      this.#recency.renew(row)
      return this.#verdict(word, this.#evidenceIn(row))
    }
    this.#rows.add(key, row)
    this.#recency.add(row)
    this.#drop()
    const evidence = [{ node: word.node, failures: this.#rungs[rung] ?? 0 }]
    return this.#verdict(word, { evidence, isAnyAlone: isAlone, newestMs: word.atMs })
  }

  /** Whether what was counted of it is enough, or bans of it that still hold, which may be longer than that is remembered. */
  isEnough(ip: string, standing: readonly StandingBan[]): boolean {
    const row = this.#rows.find(addressKey(ip))
    if (row >= 0 && this.#verdict({ ip }, this.#evidenceIn(row)) !== undefined) return true
    const counts = new Map<NodeName, number>()
    let isAnyAlone = false
    for (const { node, jail, failures, weight } of standing) {
      const count = this.#rungs[this.#rungOf({ kind: 'ban', jail, failures })]
      if (count === undefined) continue
      counts.set(node, Math.max(count, counts.get(node) ?? 0))
      isAnyAlone ||= weight === 'alone'
    }
    const evidence = [...counts].map(([node, failures]) => ({ node, failures }))
    return this.#verdict({ ip }, { evidence, isAnyAlone, newestMs: 0 }) !== undefined
  }

  /** Nothing is known against it any more. */
  forget(ip: string): void {
    const row = this.#rows.find(addressKey(ip))
    if (row >= 0) this.#remove(row)
  }

  /** Lets go of addresses nobody has told of since, up to the first that somebody has; call it now and then. A wrong clock does not matter by less than a find time. */
  expire(nowMs: number): void {
    for (let row = this.#recency.oldest; row >= 0; row = this.#recency.oldest) {
      if (newestOf(this.#slots.of(row)) > nowMs - 2 * this.#rule.findTimeMs) return
      this.#remove(row)
    }
  }

  /** What a revoked node has told counts no more: a walk over everything. */
  withdraw(node: NodeName): void {
    const number = this.#numbers.get(node)
    if (number === undefined) return
    for (let row = this.#recency.oldest; row >= 0; row = this.#recency.newerThan(row)) this.#slots.forget(row, number)
    this.#numbers.delete(node)
  }

  /** `dropped`: addresses that were forgotten for want of room, since the start. */
  get counts(): { addresses: number; dropped: number } {
    return { addresses: this.#rows.size, dropped: this.#dropped }
  }

  /** Index of what the word tells among the rungs; -1: it does not count. */
  #rungOf(word: Pick<SightingWord | BanWord, 'kind' | 'jail' | 'failures'>): number {
    const { fleetJail } = this.#rule
    if (word.jail === fleetJail || this.#jails?.has(word.jail) === false) return -1
    if (!countsFailures(this.#rule)) return word.kind === 'ban' ? 0 : -1
    // Who has banned somebody by hand has seen him once.
    const failures = word.kind === 'ban' ? Math.max(1, word.failures) : word.failures
    return this.#rungs.findLastIndex((rung) => rung <= failures)
  }

  #evidenceIn(row: number): Evidence {
    const newestMs = newestOf(this.#slots.of(row))
    const sinceMs = newestMs - this.#rule.findTimeMs
    const evidence: QuorumVerdict['evidence'] = []
    let isAnyAlone = false
    for (const { node, isAlone, timesMs } of this.#slots.of(row)) {
      const count = this.#rungs[timesMs.findLastIndex((timeMs) => timeMs > sinceMs)]
      if (count === undefined) continue
      evidence.push({ node: this.#names[node] ?? '', failures: count })
      isAnyAlone ||= isAlone
    }
    return { evidence, isAnyAlone, newestMs }
  }

  #verdict({ ip }: { ip: string }, { evidence, isAnyAlone, newestMs }: Evidence): QuorumVerdict | undefined {
    const { minNodes } = this.#rule
    if (!isEnough(this.#rule, evidence, isAnyAlone ? minNodes : Math.max(2, minNodes))) return undefined
    evidence.sort((a, b) => (a.node < b.node ? -1 : 1))
    return { ip, timeMs: newestMs, evidence }
  }

  /** Full: the address goes that was told about least recently. A flood of addresses costs the memory of others, not their bans. */
  #drop(): void {
    if (this.#rows.size <= this.#addressesMax) return
    this.#remove(this.#recency.oldest)
    this.#dropped++
  }

  #remove(row: number): void {
    this.#rows.delete(row)
    this.#recency.delete(row)
    this.#slots.release(row)
  }

  #numberOf(node: NodeName): number {
    const known = this.#numbers.get(node)
    if (known !== undefined) return known
    const number = this.#names.push(node) - 1
    this.#numbers.set(node, number)
    return number
  }
}

function newestOf(slots: Iterable<Slot>): number {
  let newestMs = Number.NEGATIVE_INFINITY
  for (const { timesMs } of slots) newestMs = Math.max(newestMs, timesMs[0] ?? newestMs)
  return newestMs
}
