import { isIPv6 } from 'node:net'

/** An IPv4 or IPv6 address or network in canonical form. One address has one `text`, so texts can be compared and used as keys. */
export interface Ip {
  family: 4 | 6
  /** 4 or 16 bytes, network order; host bits of a network are zero. */
  bytes: Uint8Array
  /** Prefix length in bits: 32 or 128 for a single address. */
  prefix: number
  /** As Fail2ban prints it: `192.0.2.1`, `2001:db8::/32`; IPv6 compressed and lower case (RFC 5952). */
  text: string
}

/**
 * Reads an address or network: `192.0.2.1`, `192.0.2.0/24`, `10.0.0.1/255.0.0.0`, `[2001:db8::1]`, `::ffff:192.0.2.1` (which is
 * the IPv4 address). Undefined for everything else: leading zeros, zone ids, ports, names (spec 3.10).
 */
export function parseIp(text: string): Ip | undefined {
  const v4 = parseV4(text)
  // There is one way only to write it: it is canonical already.
  if (v4 !== undefined) return { family: 4, bytes: v4, prefix: 32, text }
  const slash = text.indexOf('/')
  const bytes = parseBytes(slash < 0 ? text : text.slice(0, slash))
  if (bytes === undefined) return undefined
  const bits = bytes.length * 8
  if (slash < 0) return ipOf(bytes, bits)
  const prefix = parsePrefix(text.slice(slash + 1), bits)
  return prefix === undefined ? undefined : ipOf(masked(bytes, prefix), prefix)
}

/** The address of 4 or 16 network-order bytes; a v4-mapped IPv6 address becomes IPv4. */
export function ipOf(bytes: Uint8Array, prefix = bytes.length * 8): Ip {
  if (bytes.length === 16 && prefix >= 96 && isV4Mapped(bytes)) return ipOf(bytes.slice(12), prefix - 96)
  const family = bytes.length === 4 ? 4 : 6
  const address = family === 4 ? bytes.join('.') : printV6(bytes)
  return { family, bytes, prefix, text: prefix === bytes.length * 8 ? address : `${address}/${prefix}` }
}

export function isSingleAddress(ip: Ip): boolean {
  return ip.prefix === ip.bytes.length * 8
}

/** Whether every address of `inner` is inside `outer`. */
export function contains(outer: Ip, inner: Ip): boolean {
  if (outer.family !== inner.family || outer.prefix > inner.prefix) return false
  return sharesPrefix(outer.bytes, inner.bytes, outer.prefix)
}

/** Whether the two have an address in common. */
export function overlaps(a: Ip, b: Ip): boolean {
  return a.family === b.family && sharesPrefix(a.bytes, b.bytes, Math.min(a.prefix, b.prefix))
}

function sharesPrefix(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  const whole = bits >> 3
  for (let i = 0; i < whole; i++) if (a[i] !== b[i]) return false
  const rest = bits & 7
  return rest === 0 || (((a[whole] ?? 0) ^ (b[whole] ?? 0)) & (0xff << (8 - rest))) === 0
}

function parseBytes(text: string): Uint8Array | undefined {
  const v4 = parseV4(text)
  if (v4 !== undefined) return v4
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text
  // NOTE: isIPv6 accepts zone ids (fe80::1%eth0); they name an interface of ours, not a peer.
  return isIPv6(bare) && !bare.includes('%') ? parseV6(bare) : undefined
}

function parseV4(text: string): Uint8Array | undefined {
  const number = v4Number(text)
  if (number === undefined) return undefined
  const bytes = new Uint8Array(4)
  bytes[0] = number >>> 24
  bytes[1] = number >>> 16
  bytes[2] = number >>> 8
  bytes[3] = number
  return bytes
}

/**
 * An IPv4 address as a 32-bit number with a sign; undefined for any other text. Four decimal numbers up to 255 without leading zeros, as
 * inet_pton(3) has it. By hand: every failure comes through here.
 */
export function v4Number(text: string): number | undefined {
  if (text.length < 7 || text.length > 15) return undefined
  if (text !== lastText) {
    lastNumber = parsedV4(text)
    lastText = text
  }
  return lastNumber
}

/** Everybody who has to do with one ban asks for the same address, one after the other. */
let lastText = ''
let lastNumber: number | undefined

function parsedV4(text: string): number | undefined {
  let number = 0
  let at = 0
  for (let i = 0; i < 4; i++) {
    const start = at
    let value = 0
    for (let digit = text.charCodeAt(at) - zero; digit >= 0 && digit <= 9; digit = text.charCodeAt(++at) - zero)
      value = value * 10 + digit
    const length = at - start
    if (length === 0 || length > 3 || value > 255 || (length > 1 && text.charCodeAt(start) === zero)) return undefined
    if (i < 3 && text.charCodeAt(at++) !== dot) return undefined
    number = (number << 8) | value
  }
  return at === text.length ? number : undefined
}

/** The text of `v4Number`. */
export function v4Text(number: number): string {
  const text = `${number >>> 24}.${(number >>> 16) & 255}.${(number >>> 8) & 255}.${number & 255}`
  lastText = text
  lastNumber = number | 0
  return text
}

const zero = 0x30
const dot = 0x2e

/** `text` is known to be valid. */
function parseV6(text: string): Uint8Array {
  const [head = '', tail] = text.split('::')
  const left = words(head)
  const right = tail === undefined ? [] : words(tail)
  const all = [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right]
  return Uint8Array.from(all.flatMap((word) => [word >> 8, word & 0xff]))
}

function words(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [Number.parseInt(part, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = parseV4(part) ?? []
    return [(a << 8) | b, (c << 8) | d]
  })
}

function printV6(bytes: Uint8Array): string {
  const words = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0))
  const { start, length } = longestZeroRun(words)
  const hex = (part: number[]) => part.map((word) => word.toString(16)).join(':')
  return length < 2 ? hex(words) : `${hex(words.slice(0, start))}::${hex(words.slice(start + length))}`
}

function longestZeroRun(words: number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  for (let i = 0; i < words.length; i++) {
    let end = i
    while (words[end] === 0) end++
    if (end - i > best.length) best = { start: i, length: end - i }
    if (end > i) i = end
  }
  return best
}

/** A prefix length, or a mask (`255.255.0.0`, `ffff::`) with all its ones in front. */
function parsePrefix(text: string, bits: number): number | undefined {
  if (/^\d{1,3}$/.test(text)) return Number(text) <= bits ? Number(text) : undefined
  const mask = parseBytes(text)
  if (mask === undefined || mask.length * 8 !== bits) return undefined
  const ones = [...mask].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return /^1*0*$/.test(ones) ? ones.lastIndexOf('1') + 1 : undefined
}

function masked(bytes: Uint8Array, prefix: number): Uint8Array {
  return bytes.map((byte, i) => byte & (0xff << Math.max(0, Math.min(8, 8 * (i + 1) - prefix))))
}

function isV4Mapped(bytes: Uint8Array): boolean {
  return bytes[10] === 0xff && bytes[11] === 0xff && bytes.subarray(0, 10).every((byte) => byte === 0)
}
