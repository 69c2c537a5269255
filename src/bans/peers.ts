import { type Ip, isSingleAddress } from '../domain/address.js'

/** Everybody who was connected to this machine at one moment. */
export class Peers {
  readonly #addresses: ReadonlyMap<string, Ip>
  /** For each length of a prefix that was asked for: how many are in each network of it. */
  readonly #networks = new Map<string, ReadonlyMap<string, number>>()

  constructor(addresses: Iterable<Ip>) {
    this.#addresses = new Map([...addresses].map((ip) => [ip.text, ip]))
  }

  get size(): number {
    return this.#addresses.size
  }

  /** How many of them are this address or in this network. */
  countIn(ip: Ip): number {
    if (isSingleAddress(ip)) return this.#addresses.has(ip.text) ? 1 : 0
    return this.#countsBy(ip).get(prefixOf(ip.bytes, ip.prefix)) ?? 0
  }

  #countsBy({ family, prefix }: Ip): ReadonlyMap<string, number> {
    const key = `${family} ${prefix}`
    const known = this.#networks.get(key)
    if (known !== undefined) return known
    const counts = new Map<string, number>()
    for (const ip of this.#addresses.values()) {
      if (ip.family !== family) continue
      const network = prefixOf(ip.bytes, prefix)
      counts.set(network, (counts.get(network) ?? 0) + 1)
    }
    this.#networks.set(key, counts)
    return counts
  }
}

function prefixOf(bytes: Uint8Array, prefix: number): string {
  const whole = prefix >> 3
  const rest = (bytes[whole] ?? 0) & (0xff << (8 - (prefix & 7)))
  return `${bytes.subarray(0, whole).join('.')}.${(prefix & 7) === 0 ? '' : rest}`
}
