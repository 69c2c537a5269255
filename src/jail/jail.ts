import type { Ban } from '../domain/ban.js'
import type { Failure } from '../domain/failure.js'
import { FailureWindow } from './failure-window.js'
import type { JailSpec } from './jail-spec.js'

/** What a jail thinks of a failure. */
export type Judgement =
  | { kind: 'ignored' /** Fail2ban's word for the rule: `ip`, `dns`, `ignoreself rule`. */; by: string }
  | { kind: 'counted'; retries: number }
  | { kind: 'ban'; ban: Ban }

/** Decides whether an id is to be ignored; the rule's name, or undefined. */
export type IgnoreRule = (id: string) => string | undefined

/** Counts failures and decides on bans. Pure but for its own count: it neither enforces, nor stores, nor tells. */
export class Jail {
  readonly spec: JailSpec
  readonly #ignores: IgnoreRule
  readonly #window: FailureWindow

  constructor(spec: JailSpec, ignores: IgnoreRule) {
    this.spec = spec
    this.#ignores = ignores
    this.#window = new FailureWindow({ findTimeMs: spec.findTimeMs, maxmatches: spec.maxmatches })
  }

  /** The rule by which this id is never counted; undefined: none. */
  ignores(id: string): string | undefined {
    return this.#ignores(id)
  }

  judge(failure: Failure, nowMs: number): Judgement {
    this.#window.sweep(nowMs)
    const by = this.#ignores(failure.id)
    if (by !== undefined) return { kind: 'ignored', by }
    const ticket = this.#window.record(failure)
    if (ticket.retries < this.spec.maxretry) return { kind: 'counted', retries: ticket.retries }
    this.#window.forget(ticket.id)
    return {
      kind: 'ban',
      ban: {
        jail: this.spec.name,
        id: ticket.id,
        startMs: ticket.lastMs,
        durationMs: this.spec.banTimeMs,
        origin: { kind: 'jail' },
        count: 1,
        failures: ticket.failures,
        lines: ticket.lines,
        data: ticket.data,
      },
    }
  }

  /** Forgets what `id` has failed so far. */
  forgive(id: string): void {
    this.#window.forget(id)
  }

  /** Ids that have failed inside the find time and are not banned. */
  failedNow(nowMs: number): number {
    return this.#window.failedNow(nowMs)
  }

  /** Failures counted since the start. */
  get failuresTotal(): number {
    return this.#window.failuresTotal
  }
}
