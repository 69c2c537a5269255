import type { Ban } from '../domain/ban.js'
import type { Failure } from '../domain/failure.js'
import { type BanHistory, BanTimes, type Lengthening } from './ban-time.js'
import { FailureWindow, type FailureWindowOptions, type Ticket } from './failure-window.js'
import type { JailSpec } from './jail-spec.js'
import { offenderOf } from './offender.js'

/** What a jail thinks of a failure. */
export type Judgement =
  /** `by`: Fail2ban's word for the rule: `ip`, `dns`, `ignoreself rule`. */
  | { kind: 'ignored'; by: string }
  /** `note`: for the log, module `observer`, when the failure counts for more than one; `weight`: for how many then. */
  | { kind: 'counted'; retries: number; note?: string; weight?: number }
  /** `alone`: where `ban` is of a network (`ipv6_prefix`), the same for the last address only, in case the network holds somebody protected. */
  | { kind: 'ban'; ban: Ban; alone?: Ban; note?: string }

/** Decides whether an id is to be ignored; the rule's name, or undefined. */
export type IgnoreRule = (id: string) => string | undefined

export interface JailOptions {
  /** What was counted so far, taken over from an earlier self. */
  window?: FailureWindow
  /** What is on record of earlier bans; needed for `bantime.increment`. */
  history?: BanHistory
  /** For `bantime.rndtime` and formulas with `random.random()`; in [0, 1). */
  random?(): number
}

/** Counts failures and decides on bans. Pure but for its own count: it neither enforces, nor stores, nor tells. */
export class Jail {
  readonly spec: JailSpec
  readonly #ignores: IgnoreRule
  readonly #options: JailOptions
  readonly #window: FailureWindow
  /** Undefined: every ban has the same length, and every failure the same weight. */
  readonly #banTimes: BanTimes | undefined
  #last = { id: '', offender: '' }

  constructor(spec: JailSpec, ignores: IgnoreRule, options: JailOptions = {}) {
    this.spec = spec
    this.#ignores = ignores
    this.#options = options
    this.#window = options.window ?? new FailureWindow(windowOptions(spec))
    const { history, random = Math.random } = options
    if (spec.increment !== undefined && history !== undefined) this.#banTimes = new BanTimes({ spec, history, random })
  }

  /** The same jail with another configuration, which goes on with what was counted. The old one must not be asked any more. */
  withSpec(spec: JailSpec, ignores: IgnoreRule = this.#ignores): Jail {
    this.#window.configure(windowOptions(spec))
    return new Jail(spec, ignores, { ...this.#options, window: this.#window })
  }

  /** The rule by which this id is never counted; undefined: none. */
  ignores(id: string): string | undefined {
    return this.#ignores(id)
  }

  /** Counts one failure, as `count` of them. */
  judge(failure: Failure, nowMs: number, count = 1): Judgement {
    this.#window.sweep(nowMs)
    const by = this.#ignores(failure.id)
    if (by !== undefined) return { kind: 'ignored', by }
    const offender = this.offenderOf(failure.id)
    const isAlone = offender === failure.id
    const { weight, note } = this.#banTimes?.weigh({ id: offender, timeMs: failure.timeMs }) ?? unweighted
    const ticket = this.#window.record(isAlone ? failure : { ...failure, id: offender }, count + weight - 1)
    if (ticket.retries < this.spec.maxretry)
      return { kind: 'counted', retries: ticket.retries, ...(note !== undefined && { note, weight }) }
    this.#window.forget(ticket.id)
    const ban = this.#banFor(ticket)
    return {
      kind: 'ban',
      ban,
      ...(!isAlone && { alone: { ...ban, id: failure.id } }),
      ...(note !== undefined && { note: `${note}, Ban` }),
    }
  }

  /** For how long this ban, which is about to begin, really is to last (`bantime.increment`); undefined: as it says. */
  lengthen(ban: Ban): Lengthening | undefined {
    return this.#banTimes?.next(ban)
  }

  /** Somebody else's word for `max(1, lines)` failures at once (`set J attempt`, spec 5.1). */
  attempt(id: string, lines: readonly string[], nowMs: number): Judgement {
    return this.judge({ id, timeMs: nowMs, lines: [...lines], data: {} }, nowMs, Math.max(1, lines.length))
  }

  /** A line of `successregex`: forgives the failures of its address, or, with `successby = user`, those for its user. False: there were none. */
  succeed({ id, user }: { id: string; user?: string | undefined }): boolean {
    if (this.spec.successBy !== 'user') return this.forgive(id)
    return user !== undefined && this.forgive(id, user)
  }

  /** Forgets what `id` has failed so far, for one user or altogether. False: there was nothing. */
  forgive(id: string, user?: string): boolean {
    const offender = this.offenderOf(id)
    return user === undefined ? this.#window.forget(offender) : this.#window.forgetUser(offender, user)
  }

  /** Ids that have failed inside the find time and are not banned. */
  failedNow(nowMs: number): number {
    return this.#window.failedNow(nowMs)
  }

  /** Failures counted since the start. */
  get failuresTotal(): number {
    return this.#window.failuresTotal
  }

  /** Who answers for this id, and is banned for it: its network, where the jail counts IPv6 by networks. */
  offenderOf(id: string): string {
    const { ipv6Prefix } = this.spec
    if (ipv6Prefix === undefined) return id
    // Failures of one address often follow each other, and reading an IPv6 address takes a microsecond.
    if (this.#last.id !== id) this.#last = { id, offender: offenderOf(id, ipv6Prefix) }
    return this.#last.offender
  }

  #banFor(ticket: Ticket): Ban {
    return {
      jail: this.spec.name,
      id: ticket.id,
      startMs: ticket.lastMs,
      durationMs: this.spec.banTimeMs,
      origin: { kind: 'jail' },
      count: 1,
      failures: ticket.failures,
      lines: ticket.lines,
      data: ticket.data,
    }
  }
}

const unweighted: ReturnType<BanTimes['weigh']> = { weight: 1 }

function windowOptions({ findTimeMs, maxmatches, successBy }: JailSpec): FailureWindowOptions {
  return { findTimeMs, maxmatches, byUser: successBy === 'user' }
}
