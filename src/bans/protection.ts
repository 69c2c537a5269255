import { networkInterfaces } from 'node:os'
import { type Ip, overlaps, parseIp } from '../domain/address.js'
import type { Clock } from '../lib/clock.js'

export interface ProtectionOptions {
  clock: Clock
  /** Networks an operator wrote down for this jail (`ignoreip` of the jail and of `[protect]`), names resolved. */
  ignored(jail: string): readonly Ip[]
  /** Addresses somebody is logged in from, and what we know it by. */
  sessions(): ReadonlyMap<string, string>
}

const loopback = ['127.0.0.0/8', '::1', '0.0.0.0', '::'].flatMap((text) => parseIp(text) ?? [])

/** Own addresses are asked for again after this time: they change. */
const ownAddressesMaxAgeMs = 5000

/** Who may never be banned, whoever says so. A network that only contains somebody protected is refused too. */
export class Protection {
  readonly #options: ProtectionOptions
  #own: Ip[] = []
  #ownReadMs = Number.NEGATIVE_INFINITY

  constructor(options: ProtectionOptions) {
    this.#options = options
  }

  /** The reason, as the end of a sentence that begins with "Refused to ban …:"; undefined when the address may be banned. */
  reasonAgainst(ip: Ip, jail: string): string | undefined {
    const hits = (known: Ip) => overlaps(known, ip)
    const local = loopback.find(hits)
    if (local !== undefined) return `${local.text} is this machine itself`
    const own = this.#ownAddresses().find(hits)
    if (own !== undefined) return `${own.text} is an address of this machine`
    const ignored = this.#options.ignored(jail).find(hits)
    if (ignored !== undefined) return `${ignored.text} is in ignoreip`
    for (const [address, evidence] of this.#options.sessions()) {
      const session = parseIp(address)
      if (session !== undefined && hits(session)) return `somebody is logged in from ${address} (${evidence})`
    }
    return undefined
  }

  /** Whether this canonical text is one of this machine's addresses. Cheap: asked for every failure. */
  isOwn(id: string): boolean {
    return id.startsWith('127.') || id === '::1' || this.#ownAddresses().some((own) => own.text === id)
  }

  #ownAddresses(): Ip[] {
    const nowMs = this.#options.clock.now()
    if (nowMs - this.#ownReadMs >= ownAddressesMaxAgeMs) {
      this.#ownReadMs = nowMs
      const interfaces = Object.values(networkInterfaces()).flatMap((entries) => entries ?? [])
      this.#own = interfaces.flatMap(({ address }) => parseIp(address.replace(/%.*/, '')) ?? [])
    }
    return this.#own
  }
}
