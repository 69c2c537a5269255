import type { Ip } from '../domain/address.js'
import type { DumpedElement, Element } from './netlink/elements.js'
import { networkOf } from './network-cover.js'

/** A network as an interval set holds it: its first address, and the first that is outside (none where there is no higher). */
export function intervalElements(ip: Ip, timeoutMs?: number): Element[] {
  const start: Element = timeoutMs === undefined ? { key: ip.bytes } : { key: ip.bytes, timeoutMs }
  const end = after(ip)
  return end === undefined ? [start] : [start, { key: end, isEnd: true }]
}

export interface DumpedInterval {
  /** Undefined: these addresses make no network, so they are not ours. */
  ip: Ip | undefined
  remainingMs: number | undefined
  packets: number
  bytes: number
  /** What removes it. */
  elements: Element[]
}

/** Puts the ends that a dump gives in any order to their beginnings. */
export function intervalsIn(elements: readonly DumpedElement[]): DumpedInterval[] {
  const ends = elements.filter(({ isEnd }) => isEnd).sort((a, b) => Buffer.compare(a.key, b.key))
  const starts = elements.filter(({ isEnd }) => !isEnd).sort((a, b) => Buffer.compare(a.key, b.key))
  let next = 0
  return starts.map((start, i) => {
    while (next < ends.length && Buffer.compare((ends[next] ?? start).key, start.key) <= 0) next++
    const following = starts[i + 1]
    const end = ends[next]
    const isItsOwn = end !== undefined && (following === undefined || Buffer.compare(end.key, following.key) <= 0)
    const { remainingMs, packets, bytes } = start
    const own: Element[] = isItsOwn ? [{ key: start.key }, { key: end.key, isEnd: true }] : [{ key: start.key }]
    return { ip: networkFrom(start.key, isItsOwn ? end.key : undefined), remainingMs, packets, bytes, elements: own }
  })
}

function networkFrom(start: Buffer, end: Buffer | undefined): Ip | undefined {
  const bits = start.length * 8
  const first = toNumber(start)
  const size = (end === undefined ? 1n << BigInt(bits) : toNumber(end)) - first
  if (size <= 0n || (size & (size - 1n)) !== 0n || (first & (size - 1n)) !== 0n) return undefined
  return networkOf(Uint8Array.from(start), bits - (size.toString(2).length - 1))
}

function toNumber(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

/** The first address behind a network. */
function after(ip: Ip): Uint8Array | undefined {
  const bytes = ip.bytes.slice()
  let at = (ip.prefix - 1) >> 3
  let carry = ip.prefix === 0 ? 256 : 1 << ((8 - (ip.prefix & 7)) & 7)
  for (; at >= 0 && carry > 0; at--) {
    const sum = (bytes[at] ?? 0) + carry
    bytes[at] = sum & 0xff
    carry = sum >> 8
  }
  return carry > 0 || ip.prefix === 0 ? undefined : bytes
}
