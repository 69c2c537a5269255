import { type Ip, overlaps } from '../../domain/address.js'

/** So many are looked at; further ones are not. */
const countMax = 1000

/** Those whom nobody has reason to ban. Asked for each ban of a snapshot, so only those with the same first 16 bits are compared. */
export class Canaries {
  readonly #all: readonly Ip[]
  readonly #wide: readonly Ip[]
  readonly #byBegin = new Map<number, Ip[]>()

  constructor(canaries: readonly Ip[]) {
    this.#all = canaries.slice(0, countMax)
    this.#wide = this.#all.filter(({ prefix }) => prefix < beginBits)
    for (const canary of this.#all) {
      if (canary.prefix < beginBits) continue
      const near = this.#byBegin.get(beginOf(canary)) ?? []
      near.push(canary)
      this.#byBegin.set(beginOf(canary), near)
    }
  }

  /** The one that the address or network touches. */
  touchedBy(ip: Ip): Ip | undefined {
    if (this.#all.length === 0) return undefined
    const touches = (canary: Ip) => overlaps(canary, ip)
    if (ip.prefix < beginBits) return this.#all.find(touches)
    return this.#wide.find(touches) ?? this.#byBegin.get(beginOf(ip))?.find(touches)
  }
}

const beginBits = 16

function beginOf({ family, bytes }: Ip): number {
  return (family << 16) | ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)
}
