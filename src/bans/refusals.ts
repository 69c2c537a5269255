import type { Ip } from '../domain/address.js'
import type { Ban } from '../domain/ban.js'
import type { Clock } from '../lib/clock.js'
import type { Log } from '../lib/log.js'
import { keyOf } from './deliveries.js'

/** A refusal is logged at most once in this time for each jail and id. */
const quietMs = 3_600_000
/** Full: the oldest is forgotten. That costs one more line in the log. */
const rememberedMax = 1000
/** Texts that are no address are banned up to this length: they end in a command. */
const textMax = 2048

export interface RefusalsOptions {
  clock: Clock
  log: Log
  protection(ip: Ip, jail: string): string | undefined
  mayBanText?(jail: string): boolean
}

export interface Refusal {
  reason: string
  /** It is a protection, which an operator may override. */
  canForce: boolean
}

/** Decides who may not be banned, and tells of it, each once an hour: whoever is protected may well fail every second. */
export class Refusals {
  readonly #options: RefusalsOptions
  readonly #toldMs = new Map<string, number>()

  constructor(options: RefusalsOptions) {
    this.#options = options
  }

  /** `ip`: what the id is, if it is an address or network. `force`: in spite of a protection. */
  against(ban: Ban, ip: Ip | undefined, { force }: { force: boolean }): Refusal | undefined {
    const reason =
      ip === undefined ? this.#againstText(ban) : force ? undefined : this.#options.protection(ip, ban.jail)
    if (reason === undefined) return undefined
    this.#tell(ban, reason)
    return { reason, canForce: ip !== undefined }
  }

  #againstText({ jail, id }: Ban): string | undefined {
    if (this.#options.mayBanText?.(jail) !== true)
      return 'it is not an IP address or network, and only those can be banned in the kernel'
    return id.length > textMax ? `it is a text of more than ${textMax} characters` : undefined
  }

  #tell(ban: Ban, reason: string): void {
    const key = keyOf(ban)
    const nowMs = this.#options.clock.now()
    if (nowMs - (this.#toldMs.get(key) ?? Number.NEGATIVE_INFINITY) < quietMs) return
    this.#toldMs.delete(key)
    this.#toldMs.set(key, nowMs)
    if (this.#toldMs.size > rememberedMax) this.#toldMs.delete([...this.#toldMs.keys()][0] ?? '')
    this.#options.log.write('WARNING', 'actions', `[${ban.jail}] Refused to ban ${ban.id}: ${reason}`)
  }
}
