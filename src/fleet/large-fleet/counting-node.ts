import { Quorum } from '../quorum/quorum.js'
import type { QuorumRule } from '../quorum/rule.js'
import type { BanWord, SightingWord } from '../word.js'

/** Who is banned by a verdict that was told; everybody knows. */
export interface Told {
  isBanned(ip: string, nowMs: number): boolean
}

/**
 * A node that counts for others: it alone, and one other, hear what is told of its part of the addresses. Of the two the first tells its
 * verdicts with its next batch; the second tells only what nobody has told for `patienceMs`: when the first is away, or has missed a
 * word. So neither has to know how the other is, and nobody elects anybody.
 */
export class CountingNode {
  readonly #rule: QuorumRule
  readonly #patienceMs: number
  #quorum: Quorum
  /** Verdicts that nobody has told, and since when. */
  #waiting = new Map<string, number>()
  #awayUntilMs = Number.NEGATIVE_INFINITY
  #emptySinceMs = Number.NEGATIVE_INFINITY
  rowsMax = 0
  words = 0

  constructor(rule: QuorumRule, patienceMs: number) {
    this.#rule = rule
    this.#patienceMs = patienceMs
    this.#quorum = new Quorum({ rule })
  }

  hear(word: SightingWord | BanWord, told: Told): void {
    if (word.atMs < this.#awayUntilMs) return
    this.words++
    const verdict = this.#quorum.offer(word)
    if (verdict === undefined || this.#waiting.has(word.ip) || told.isBanned(word.ip, word.atMs)) return
    this.#waiting.set(word.ip, word.atMs)
  }

  /** What it tells now. */
  batch(nowMs: number): string[] {
    if (nowMs < this.#awayUntilMs) return []
    const ips: string[] = []
    for (const [ip, sinceMs] of this.#waiting) if (sinceMs <= nowMs - this.#patienceMs) ips.push(ip)
    return ips
  }

  /** Somebody has told it. */
  hearVerdict(ip: string): void {
    this.#waiting.delete(ip)
  }

  /** All that it knew is gone. */
  crash(nowMs: number, awayMs: number): void {
    this.#quorum = new Quorum({ rule: this.#rule })
    this.#waiting = new Map()
    this.#awayUntilMs = nowMs + awayMs
    this.#emptySinceMs = nowMs + awayMs
  }

  /** Whether it has heard all that still counts. */
  isWhole(nowMs: number): boolean {
    return nowMs >= this.#emptySinceMs + this.#rule.findTimeMs
  }

  expire(nowMs: number): void {
    this.rowsMax = Math.max(this.rowsMax, this.#quorum.counts.addresses)
    this.#quorum.expire(nowMs)
  }
}
