import { parseIp } from '../../domain/address.js'
import { shardOf } from '../message/subject.js'
import { Quorum } from '../quorum/quorum.js'
import { marksOf, type QuorumRule } from '../quorum/rule.js'
import { randomOf } from '../seeded-random.js'
import { markReached } from '../sighting.js'
import type { BanWord, SightingWord } from '../word.js'
import { Attackers, type Day, type Visit } from './attackers.js'
import { CountingNode, type Told } from './counting-node.js'

export interface LargeFleetOptions {
  /** The same seed, the same hour. */
  seed: number
  nodes: number
  day: Day
  /** Counting nodes, two for each part of the addresses. */
  pairs: number
  /** That often one of a pair loses its memory, if both are whole then, and is away for half a minute; missing: never. */
  crashEveryMs?: number
  /** The share of words that one of the two does not get; default 0. */
  loss?: number
}

/** What one hour has brought; rates are those of its second half, when the find time is full. */
export interface LargeFleetOutcome {
  /** A second, of all nodes together. */
  rates: { sightings: number; bans: number; verdicts: number; batches: number }
  /** Words that the busiest counting node got a second. */
  busiest: number
  /** Addresses with evidence at a time: where one counts everything, and on the fullest counting node. */
  rows: { ofOne: number; ofCounting: number }
  /** From the word that decides to the batch that tells it, ascending. */
  waitsMs: number[]
  crashes: number
  /** Verdicts of somebody who hears everything that nobody has told; and told ones that he does not come to. */
  lost: number
  unfounded: number
}

type Heard = SightingWord | BanWord

const batchMs = 2000
const patienceMs = 6000
const awayMs = 30_000
const hourMs = 3_600_000
const banTimeMs = 30 * 60_000
const startMs = Date.UTC(2026, 0, 1)
const parts = 256
const rule: QuorumRule = { maxRetry: 3, minNodes: 2, minPerNode: 1, findTimeMs: 30 * 60_000, fleetJail: 'fleet' }
const marks = marksOf(rule)

/**
 * An hour of a fleet that is too large for everybody to count everything: what nodes have seen goes to two counting nodes for each part of
 * the addresses (`shardOf`), which tell all nodes their verdicts in batches. The deciding parts are the real ones (`Quorum`, `markReached`,
 * `shardOf`). Beside it one `Quorum` hears everything, as every node of a smaller fleet does: verdicts have to be the same. Who is
 * banned everywhere is not met again. Pure: everything follows from the seed.
 */
export function simulateLargeFleet(options: LargeFleetOptions): LargeFleetOutcome {
  return new LargeFleet(options).run()
}

class LargeFleet implements Told {
  readonly #options: LargeFleetOptions
  readonly #random: () => number
  readonly #attackers: Attackers
  readonly #pairs: [CountingNode, CountingNode][]
  /** Who hears everything, and whom he would ban since when. */
  readonly #one = new Quorum({ rule })
  readonly #due = new Map<string, number>()
  readonly #bannedUntil = new Map<string, number>()
  readonly #seqs = new Map<number, number>()
  readonly #counts = { sightings: 0, bans: 0, verdicts: 0, batches: 0 }
  readonly #outcome = { crashes: 0, lost: 0, unfounded: 0, waitsMs: [] as number[], rowsOfOne: 0 }
  #nextCrashMs: number

  constructor(options: LargeFleetOptions) {
    this.#options = options
    this.#random = randomOf(options.seed)
    this.#attackers = new Attackers(options.day, options.nodes, this.#random)
    const pair = (): [CountingNode, CountingNode] => [new CountingNode(rule, 0), new CountingNode(rule, patienceMs)]
    this.#pairs = Array.from({ length: options.pairs }, pair)
    this.#nextCrashMs = startMs + (options.crashEveryMs ?? Number.POSITIVE_INFINITY)
  }

  run(): LargeFleetOutcome {
    for (let fromMs = startMs; fromMs < startMs + hourMs; fromMs += batchMs) {
      if (fromMs === startMs + hourMs / 2) this.#beginToCount()
      this.#step(fromMs)
    }
    const seconds = hourMs / 2 / 1000
    const { sightings, bans, verdicts, batches } = this.#counts
    const { crashes, lost, unfounded, waitsMs, rowsOfOne } = this.#outcome
    const counting = this.#pairs.flat()
    return {
      rates: {
        sightings: sightings / seconds,
        bans: bans / seconds,
        verdicts: verdicts / seconds,
        batches: batches / seconds,
      },
      busiest: Math.max(...counting.map(({ words }) => words)) / seconds,
      rows: { ofOne: rowsOfOne, ofCounting: Math.max(...counting.map(({ rowsMax }) => rowsMax)) },
      waitsMs: waitsMs.sort((a, b) => a - b),
      crashes,
      lost,
      unfounded,
    }
  }

  isBanned(ip: string, nowMs: number): boolean {
    return (this.#bannedUntil.get(ip) ?? 0) > nowMs
  }

  /** Until here the find time has filled. */
  #beginToCount(): void {
    Object.assign(this.#counts, { sightings: 0, bans: 0, verdicts: 0, batches: 0 })
    this.#outcome.waitsMs = []
    for (const node of this.#pairs.flat()) node.words = 0
  }

  #step(fromMs: number): void {
    const untilMs = fromMs + batchMs
    for (const visit of this.#attackers.visits(fromMs, batchMs))
      if (!this.isBanned(visit.ip, visit.atMs)) this.#see(visit)
    this.#crash(untilMs)
    for (const pair of this.#pairs) for (const node of pair) this.#tell(node.batch(untilMs), untilMs)
    this.#complain(untilMs)
    if ((untilMs - startMs) % 60_000 === 0) this.#expire(untilMs)
  }

  /** What the node tells of it. */
  #see({ ip, node, atMs, failures }: Visit): void {
    for (let count = 1; count <= failures; count++) {
      if (markReached(count - 1, count, marks) === undefined) continue
      this.#counts.sightings++
      this.#hear({ kind: 'sighting', ...this.#told(node, ip, atMs), failures: count, windowMs: 600_000 })
    }
    if (failures < 5) return
    this.#counts.bans++
    const untilMs = atMs + banTimeMs
    this.#hear({ kind: 'ban', ...this.#told(node, ip, atMs), untilMs, failures, byHand: false })
  }

  #told(node: number, ip: string, atMs: number): Pick<Heard, 'node' | 'seq' | 'atMs' | 'ip' | 'jail'> {
    const seq = (this.#seqs.get(node) ?? 0) + 1
    this.#seqs.set(node, seq)
    return { node: `n${node}`, seq, atMs, ip, jail: 'sshd' }
  }

  #hear(word: Heard): void {
    const { ip, atMs } = word
    if (this.#one.offer(word) !== undefined && !this.#due.has(ip) && !this.isBanned(ip, atMs)) this.#due.set(ip, atMs)
    const { loss = 0 } = this.#options
    for (const node of this.#pairOf(ip)) if (loss === 0 || this.#random() >= loss) node.hear(word, this)
  }

  #pairOf(ip: string): readonly CountingNode[] {
    const address = parseIp(ip)
    if (address === undefined) throw new RangeError(`Not an address: ${ip}`)
    return this.#pairs[Math.floor((shardOf(address) * this.#pairs.length) / parts)] ?? []
  }

  /** In one message, to everybody; the two that count it hear it as well. */
  #tell(ips: readonly string[], nowMs: number): void {
    if (ips.length > 0) this.#counts.batches++
    for (const ip of ips) {
      for (const node of this.#pairOf(ip)) node.hearVerdict(ip)
      if (this.isBanned(ip, nowMs)) continue
      const dueMs = this.#due.get(ip)
      if (dueMs === undefined) this.#outcome.unfounded++
      else this.#outcome.waitsMs.push(nowMs - dueMs)
      this.#due.delete(ip)
      this.#counts.verdicts++
      this.#bannedUntil.set(ip, nowMs + banTimeMs)
    }
  }

  /** What nobody has told in the time that the second of a pair needs is lost. */
  #complain(nowMs: number): void {
    for (const [ip, sinceMs] of this.#due) {
      if (sinceMs > nowMs - patienceMs - 2 * batchMs) return
      this.#outcome.lost++
      this.#due.delete(ip)
    }
  }

  /** One of a pair at a time: the other one has heard all that still counts. */
  #crash(nowMs: number): void {
    if (nowMs < this.#nextCrashMs) return
    this.#nextCrashMs += this.#options.crashEveryMs ?? Number.POSITIVE_INFINITY
    const pair = this.#pairs[Math.floor(this.#random() * this.#pairs.length)] ?? []
    if (!pair.every((node) => node.isWhole(nowMs))) return
    this.#outcome.crashes++
    pair[this.#random() < 0.5 ? 0 : 1]?.crash(nowMs, awayMs)
  }

  #expire(nowMs: number): void {
    this.#outcome.rowsOfOne = Math.max(this.#outcome.rowsOfOne, this.#one.counts.addresses)
    this.#one.expire(nowMs)
    for (const node of this.#pairs.flat()) node.expire(nowMs)
    for (const [ip, untilMs] of this.#bannedUntil) if (untilMs <= nowMs) this.#bannedUntil.delete(ip)
  }
}
