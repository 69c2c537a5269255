import type { Ip } from '../domain/address.js'
import type { Ban } from '../domain/ban.js'
import type { Clock } from '../lib/clock.js'
import { keepNewest } from '../lib/keep-newest.js'
import type { Log } from '../lib/log.js'
import { keyOf } from './deliveries.js'

/** A refusal is logged at most once in this time for each jail and id. */
const quietMs = 3_600_000
/** Full: the one without news for longest is forgotten. That costs one more line in the log. */
const rememberedMax = 1000
/** Texts that are no address are banned up to this length: they end in a command. */
const textMax = 2048

export interface RefusalsOptions {
  clock: Clock
  log: Log
  protection(ip: Ip, jail: string): string | undefined
  mayBanText?(jail: string): boolean
}

/** Somebody who was not banned, as often as that was wished for. */
export interface Refused {
  jail: string
  id: string
  /** The last one. */
  reason: string
  count: number
  firstMs: number
  lastMs: number
}

export interface Refusal {
  reason: string
  /** It is a protection, which an operator may override. */
  canForce: boolean
}

/** Decides who may not be banned, and tells of it, each once an hour: whoever is protected may well fail every second. */
export class Refusals {
  readonly #options: RefusalsOptions
  /** Newest last. */
  readonly #known = new Map<string, Refused & { toldMs: number }>()

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

  /** The latest first. */
  latest(): Refused[] {
    return [...this.#known.values()].reverse().map(({ toldMs: _, ...refused }) => refused)
  }

  #againstText({ jail, id }: Ban): string | undefined {
    if (this.#options.mayBanText?.(jail) !== true)
      return 'it is not an IP address or network, and only those can be banned in the kernel'
    return id.length > textMax ? `it is a text of more than ${textMax} characters` : undefined
  }

  #tell(ban: Ban, reason: string): void {
    const key = keyOf(ban)
    const nowMs = this.#options.clock.now()
    const { jail, id } = ban
    const known = this.#known.get(key) ?? { jail, id, count: 0, firstMs: nowMs, toldMs: Number.NEGATIVE_INFINITY }
    const isQuiet = nowMs - known.toldMs < quietMs
    this.#known.delete(key)
    this.#known.set(key, {
      ...known,
      reason,
      count: known.count + 1,
      lastMs: nowMs,
      toldMs: isQuiet ? known.toldMs : nowMs,
    })
    keepNewest(this.#known, rememberedMax)
    if (!isQuiet) this.#options.log.write('WARNING', 'actions', `[${jail}] Refused to ban ${id}: ${reason}`)
  }
}
