import { type Ip, overlaps } from '../domain/address.js'

interface Family<T> {
  /** By first address; of those that begin at the same, the widest first. */
  sorted: readonly T[]
  /** Of each the narrowest other that contains it; -1: none. Two networks overlap only where one contains the other. */
  parents: Int32Array
}

/** Finds, among many networks, those that have an address in common with a given one: a binary search, whatever their number. */
export class NetworkIndex<T extends { ip: Ip }> {
  readonly #v4: Family<T>
  readonly #v6: Family<T>

  constructor(items: readonly T[]) {
    this.#v4 = familyOf(items.filter(({ ip }) => ip.family === 4))
    this.#v6 = familyOf(items.filter(({ ip }) => ip.family === 6))
  }

  /** Every one that contains `ip`, the narrowest first; or, where `ip` contains some that begin behind its first address, one of those too. */
  overlapping(ip: Ip): T[] {
    const { sorted, parents } = ip.family === 4 ? this.#v4 : this.#v6
    const found: T[] = []
    const last = lastUpTo(sorted, ip.bytes)
    for (let at = last; at >= 0; at = parents[at] ?? -1) {
      const item = sorted[at]
      if (item !== undefined && overlaps(item.ip, ip)) found.push(item)
    }
    const next = sorted[last + 1]
    if (next !== undefined && overlaps(next.ip, ip)) found.push(next)
    return found
  }
}

function familyOf<T extends { ip: Ip }>(items: readonly T[]): Family<T> {
  const sorted = [...items].sort((a, b) => compare(a.ip.bytes, b.ip.bytes) || a.ip.prefix - b.ip.prefix)
  const parents = new Int32Array(sorted.length)
  const open: number[] = []
  for (const [at, { ip }] of sorted.entries()) {
    let parent = open.at(-1)
    while (parent !== undefined && !isOverlapping(sorted[parent], ip)) {
      open.pop()
      parent = open.at(-1)
    }
    parents[at] = parent ?? -1
    open.push(at)
  }
  return { sorted, parents }
}

function isOverlapping(item: { ip: Ip } | undefined, ip: Ip): boolean {
  return item !== undefined && overlaps(item.ip, ip)
}

/** The last one that begins at this address or before it; -1: none does. */
function lastUpTo(sorted: readonly { ip: Ip }[], bytes: Uint8Array): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    const item = sorted[middle]
    if (item !== undefined && compare(item.ip.bytes, bytes) <= 0) low = middle + 1
    else high = middle
  }
  return low - 1
}

function compare(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
