import { type Ip, isSingleAddress } from '../domain/address.js'
import type { Connected } from './connected.js'
import type { Peers } from './peers.js'

export interface BudgetLimits {
  /** New bans that are enforced in any minute; 0: any number. */
  perMinute: number
  /** Percent of those who are connected that new bans of a minute may hit; 0: any number. */
  peersPercent: number
}

/** Why a jail's new bans are not enforced for the time being. */
export type Overrun =
  | { kind: 'rate'; perMinute: number }
  /** New bans of one minute would hit so many of those who are connected. */
  | { kind: 'peers'; hit: number; of: number }

export interface BudgetQuestion {
  ip: Ip | undefined
  nowMs: number
  limits: BudgetLimits
  /** Asked only when it may matter. */
  connected: Pick<Connected, 'now' | 'soon'>
}

export const windowMs = 60_000
/** After an overrun new bans are enforced again when the wishes have been within the limits for so long. */
export const calmMs = 300_000
/**
 * Fewer are never "too many of those who are connected": on a small machine attackers may well be half of them, and whoever can make a
 * jail hold back by connecting from a few addresses would be free to go on.
 */
export const peersHitMin = 50
/** Wishes that are remembered where there is no limit to their number. */
const recentMax = 10_000

/** From so many wishes in a minute on we look who is connected: that costs, and later those who were shut out are not connected any more. */
const lookFrom = 10
/** From so many on, it is likely that we shall. */
const lookSoonFrom = 5

interface Wish {
  atMs: number
  ip: Ip | undefined
  /** How many of those who are connected it hit at most, as far as we have looked. */
  hit: number
}

/**
 * What one jail may enforce: states *free*, *over* (since an overrun, until there was none for five minutes) and *excused* (an operator has said
 * that it is right). Pure: time and peers are handed in.
 */
export class Budget {
  #recent: Wish[] = []
  /** Of `recent`, the first that counts. */
  #first = 0
  #overrun: (Overrun & { sinceMs: number }) | undefined
  #lastOverMs = Number.NEGATIVE_INFINITY
  #excusedUntilMs = Number.NEGATIVE_INFINITY
  #peers: Peers | undefined
  #hit = 0
  #of = 0

  /** Counts the wish for a new ban. Undefined: it may be enforced. */
  ask(question: BudgetQuestion): Overrun | undefined {
    const { nowMs, limits } = question
    this.#forgetOld(nowMs, limits)
    const wish: Wish = { atMs: nowMs, ip: question.ip, hit: 0 }
    this.#recent.push(wish)
    if (nowMs < this.#excusedUntilMs) return undefined
    const overrun = this.#judge(wish, question)
    if (overrun !== undefined) {
      this.#lastOverMs = nowMs
      if (this.#overrun === undefined || this.#isOver(nowMs)) this.#overrun = { ...overrun, sinceMs: nowMs }
    }
    return this.overrun(nowMs)
  }

  /** Undefined: what is wished for now is enforced. */
  overrun(nowMs: number): (Overrun & { sinceMs: number }) | undefined {
    return this.#overrun === undefined || this.#isOver(nowMs) ? undefined : this.#overrun
  }

  /** When it ends if there is no further overrun; epoch milliseconds. */
  get calmAtMs(): number {
    return this.#lastOverMs + calmMs
  }

  /** Whatever comes until then is right. */
  excuse(untilMs: number): void {
    this.#overrun = undefined
    this.#excusedUntilMs = untilMs
    this.#recent = []
    this.#first = 0
  }

  #isOver(nowMs: number): boolean {
    return nowMs - this.#lastOverMs > calmMs
  }

  #judge(wish: Wish, { limits, connected }: BudgetQuestion): Overrun | undefined {
    const count = this.#recent.length - this.#first
    const { perMinute, peersPercent } = limits
    if (perMinute > 0 && count > perMinute) return { kind: 'rate', perMinute }
    const isWide = wish.ip !== undefined && !isSingleAddress(wish.ip)
    if (peersPercent === 0) return undefined
    if (count < lookFrom && !isWide) {
      if (count >= lookSoonFrom) connected.soon()
      return undefined
    }
    this.#look(wish, connected.now())
    const isTooMany = this.#hit >= peersHitMin && this.#hit * 100 > peersPercent * this.#of
    return isTooMany ? { kind: 'peers', hit: this.#hit, of: this.#of } : undefined
  }

  /** Who has been shut out is connected no more, and counts all the same: he was. */
  #look(wish: Wish, peers: Peers): void {
    if (peers === this.#peers) {
      wish.hit = hitBy(wish, peers)
      this.#hit += wish.hit
      return
    }
    this.#peers = peers
    this.#hit = 0
    this.#of = peers.size
    for (let at = this.#first; at < this.#recent.length; at++) {
      const one = this.#recent[at]
      if (one === undefined) continue
      const now = hitBy(one, peers)
      this.#of += Math.max(0, one.hit - now)
      one.hit = Math.max(one.hit, now)
      this.#hit += one.hit
    }
  }

  #forgetOld(nowMs: number, { perMinute }: BudgetLimits): void {
    // Full: the oldest are forgotten. Enough are left to know that there are too many.
    const countMax = perMinute > 0 ? perMinute : recentMax
    for (;;) {
      const oldest = this.#recent[this.#first]
      if (oldest === undefined) break
      const isFull = this.#recent.length - this.#first > countMax
      if (!isFull && oldest.atMs > nowMs - windowMs) break
      this.#hit -= oldest.hit
      this.#first++
    }
    if (this.#first < 1024 && this.#first < this.#recent.length) return
    this.#recent.splice(0, this.#first)
    this.#first = 0
  }
}

function hitBy({ ip }: Wish, peers: Peers): number {
  return ip === undefined ? 0 : peers.countIn(ip)
}
