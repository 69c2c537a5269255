import type { Ban } from '../domain/ban.js'
import type { Clock } from '../lib/clock.js'
import type { Log } from '../lib/log.js'
import { keyOf } from './deliveries.js'

/** A refusal is logged at most once in this time for each jail and id. */
const quietMs = 3_600_000
/** Full: the oldest is forgotten. That costs one more line in the log. */
const rememberedMax = 1000

/** Tells of bans that were refused, each once an hour: whoever is protected may well fail every second. */
export class Refusals {
  readonly #clock: Clock
  readonly #log: Log
  readonly #toldMs = new Map<string, number>()

  constructor({ clock, log }: { clock: Clock; log: Log }) {
    this.#clock = clock
    this.#log = log
  }

  tell(ban: Ban, reason: string): void {
    const key = keyOf(ban)
    const nowMs = this.#clock.now()
    if (nowMs - (this.#toldMs.get(key) ?? Number.NEGATIVE_INFINITY) < quietMs) return
    this.#toldMs.delete(key)
    this.#toldMs.set(key, nowMs)
    if (this.#toldMs.size > rememberedMax) this.#toldMs.delete([...this.#toldMs.keys()][0] ?? '')
    this.#log.write('WARNING', 'actions', `[${ban.jail}] Refused to ban ${ban.id}: ${reason}`)
  }
}
