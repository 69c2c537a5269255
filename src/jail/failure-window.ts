import type { Failure } from '../domain/failure.js'
import { roundHalfToEven } from '../lib/half-to-even.js'
import { keepNewest } from '../lib/keep-newest.js'
import { packedTimeMs, packFailure, unpackFailure } from './packed-failure.js'

/** What is remembered of somebody who has failed but is not banned. Times in epoch milliseconds. */
export interface Ticket {
  id: string
  /** Begin of the window that `retries` is an estimate for. */
  firstMs: number
  lastMs: number
  /** Failures inside the find time, estimated; compared with `maxretry`. */
  retries: number
  /** All failures since the ticket exists (the tag `<failures>`). */
  failures: number
  /** The last `maxmatches` lines, oldest first. */
  lines: string[]
  /** Named groups of the first failure. */
  data: Failure['data']
  /** Retries by user name, where that is asked for; those of no name, and of more names than are told apart, under the empty one. */
  users?: Map<string, number>
}

export interface FailureWindowOptions {
  findTimeMs: number
  /** Lines kept for each ticket; 0: none. */
  maxmatches: number
  /** Tickets kept at most. Full: the oldest are dropped; an attacker with a whole IPv6 network must not fill our memory. */
  ticketsMax?: number
  /** Whether failures for one user can be forgiven alone. */
  byUser?: boolean
}

/** Outdated tickets are looked for at most this often, and this many at a time, so that no line pays for a million of them. */
const sweepEveryMs = 5000
const sweepSize = 1000
/**
 * The newest tickets are not packed yet. Who guesses passwords fails again within seconds, and packing and unpacking him every
 * time cost 0.35 µs a failure. NOTE: a longer ring would carry every ticket into V8's old space: 1024 cost 10 MB and a tenth of the time.
 */
const freshMax = 128
/** Names told apart for each id. Further ones are counted together, and nobody can have them forgiven. */
const usersMax = 20

/** Counts failures for each id as Fail2ban does (spec 5.1): the window is an estimate by rate, not a list of times. */
export class FailureWindow {
  #options: Required<FailureWindowOptions>
  /**
   * NOTE: who has failed only once, and is not fresh any more, is kept packed: a million attackers with one failure each are the case that
   * costs memory.
   */
  readonly #tickets = new Map<string, Ticket | string>()
  /** A ring of the tickets opened last. Some are outdated, banned or packed by now, which is harmless. */
  readonly #fresh: Ticket[] = []
  #nextFresh = 0
  #sweep: IterableIterator<[string, Ticket | string]> | undefined
  #sweptMs = Number.NEGATIVE_INFINITY
  #failuresTotal = 0

  constructor(options: FailureWindowOptions) {
    this.#options = { ticketsMax: 1_000_000, byUser: false, ...options }
  }

  /** From now on counts so; what was counted stays. */
  configure(options: FailureWindowOptions): void {
    this.#options = { ...this.#options, byUser: false, ...options }
  }

  /** Counts the failure, as `count` retries, and returns its ticket as it now stands. */
  record(failure: Failure, count = 1): Ticket {
    this.#failuresTotal++
    const ticket = this.#get(failure.id)
    return ticket === undefined ? this.#open(failure, count) : this.#update(ticket, failure, count)
  }

  /** False: there was nothing. */
  forget(id: string): boolean {
    return this.#tickets.delete(id)
  }

  /** Forgets what the id has failed for this user. False: there was nothing. */
  forgetUser(id: string, user: string): boolean {
    const ticket = this.#get(id)
    const users = ticket?.users
    const forgiven = users?.get(user)
    if (ticket === undefined || users === undefined || forgiven === undefined) return false
    let all = 0
    for (const retries of users.values()) all += retries
    users.delete(user)
    // The window is an estimate: where it counts less than there were, everybody's share has shrunk alike.
    const share = (all - forgiven) / all
    ticket.retries = roundHalfToEven(ticket.retries * share)
    ticket.failures = Math.max(1, roundHalfToEven(ticket.failures * share))
    if (users.size === 0) this.#tickets.delete(id)
    return true
  }

  /** Drops some of the tickets whose last failure lies before the find time. Cheap; call it as often as you like. */
  sweep(nowMs: number): void {
    if (this.#sweep === undefined) {
      if (nowMs - this.#sweptMs < sweepEveryMs) return
      this.#sweptMs = nowMs
      this.#sweep = this.#tickets.entries()
    }
    for (let i = 0; i < sweepSize; i++) {
      const next = this.#sweep.next()
      if (next.done) {
        this.#sweep = undefined
        return
      }
      this.#dropIfOutdated(next.value[0], next.value[1], nowMs)
    }
  }

  /** How many ids have failed inside the find time. Walks over all tickets. */
  failedNow(nowMs: number): number {
    for (const [id, ticket] of this.#tickets) this.#dropIfOutdated(id, ticket, nowMs)
    return this.#tickets.size
  }

  get failuresTotal(): number {
    return this.#failuresTotal
  }

  #get(id: string): Ticket | undefined {
    const known = this.#tickets.get(id)
    return typeof known === 'string' ? this.#unpacked(id, known) : known
  }

  #open(failure: Failure, count: number): Ticket {
    const ticket = this.#ticketOf(failure, count)
    this.#tickets.set(failure.id, ticket)
    keepNewest(this.#tickets, this.#options.ticketsMax)
    const oldest = this.#fresh[this.#nextFresh]
    if (oldest !== undefined) this.#pack(oldest)
    this.#fresh[this.#nextFresh] = ticket
    this.#nextFresh = (this.#nextFresh + 1) % freshMax
    return ticket
  }

  #pack(ticket: Ticket): void {
    const { id, failures, retries, lastMs, lines, data } = ticket
    if (failures > 1 || retries > 1 || this.#tickets.get(id) !== ticket) return
    const packed = packFailure({ id, timeMs: lastMs, lines, data })
    if (packed !== undefined) this.#tickets.set(id, packed)
  }

  #unpacked(id: string, packed: string): Ticket {
    const ticket = this.#ticketOf(unpackFailure(id, packed), 1)
    this.#tickets.set(id, ticket)
    return ticket
  }

  #ticketOf(failure: Failure, count: number): Ticket {
    const ticket: Ticket = {
      id: failure.id,
      firstMs: failure.timeMs,
      lastMs: failure.timeMs,
      retries: count,
      failures: 1,
      lines: [],
      data: failure.data,
    }
    if (this.#options.byUser) {
      ticket.users = new Map()
      countUser(ticket.users, failure, count)
    }
    this.#remember(ticket, failure)
    return ticket
  }

  #update(ticket: Ticket, failure: Failure, count: number): Ticket {
    if (failure.timeMs > ticket.lastMs) {
      const begin = failure.timeMs - this.#options.findTimeMs
      if (ticket.firstMs < begin) {
        const span = failure.timeMs - ticket.firstMs
        ticket.retries = roundHalfToEven((ticket.retries / span) * this.#options.findTimeMs)
        ticket.firstMs = begin
      }
      ticket.lastMs = failure.timeMs
    }
    ticket.retries += count
    ticket.failures += 1
    if (ticket.users !== undefined) countUser(ticket.users, failure, count)
    this.#remember(ticket, failure)
    return ticket
  }

  #remember(ticket: Ticket, failure: Failure): void {
    const { maxmatches } = this.#options
    const { lines } = failure
    if (maxmatches === 0) {
      if (ticket.lines.length > 0) ticket.lines = []
      return
    }
    if (lines.length >= maxmatches) {
      ticket.lines = lines.slice(-maxmatches)
      return
    }
    for (const line of lines) ticket.lines.push(line)
    const surplus = ticket.lines.length - maxmatches
    if (surplus > 0) ticket.lines.splice(0, surplus)
  }

  #dropIfOutdated(id: string, ticket: Ticket | string, nowMs: number): void {
    const lastMs = typeof ticket === 'string' ? packedTimeMs(ticket) : ticket.lastMs
    if (lastMs <= nowMs - this.#options.findTimeMs) this.#tickets.delete(id)
  }
}

function countUser(users: Map<string, number>, { data }: Failure, count: number): void {
  const name = data.user ?? ''
  const key = users.size < usersMax || users.has(name) ? name : ''
  users.set(key, (users.get(key) ?? 0) + count)
}
