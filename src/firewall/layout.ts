import { createHash } from 'node:crypto'
import { type Ip, isSingleAddress } from '../domain/address.js'
import type { Closure, RejectWith, Scope } from '../domain/enforcer.js'

/** What every enforcer with nftables puts in place, however it says so: one table of ours, one chain, four sets a jail. */
export const tableName = 'tocsin'
export const chainName = 'prerouting'
/** Priority `raw` (NF_IP_PRI_RAW): before connection tracking and routing, so forwarded and container traffic is covered too. */
export const chainPriority = -300

/**
 * Longest timeout the kernel takes, about 584 years: more does not fit 64 bits of nanoseconds (`nf_msecs_to_jiffies64`,
 * ERANGE; tried on Linux 6.18). A closure for longer has no timeout in the kernel: who asked must `open` it at its end.
 */
export const kernelTimeoutMsMax = 18_446_744_073_708

/** Where packets of named interfaces meet the same sets first, before anything else is done for them (Linux 5.10). */
export const ingressChainName = 'ingress'
/** Before others' ingress chains that are at the usual priority `filter` (0). */
export const ingressChainPriority = -500

/** Single addresses live in hash sets, networks in interval sets: the one is quick at any size, the other finds what is inside. */
export const setKinds = ['v4', 'v6', 'net4', 'net6'] as const
export type SetKind = (typeof setKinds)[number]

export const protocolNumbers = { tcp: 6, udp: 17, dccp: 33, sctp: 132 } as const

export function kindOf(ip: Ip): SetKind {
  if (isSingleAddress(ip)) return ip.family === 4 ? 'v4' : 'v6'
  return ip.family === 4 ? 'net4' : 'net6'
}

export function familyOf(kind: SetKind): 4 | 6 {
  return kind.endsWith('4') ? 4 : 6
}

export function isInterval(kind: SetKind): boolean {
  return kind.startsWith('net')
}

/** Whether the set of this name holds networks. */
export function isIntervalSet(name: string): boolean {
  return name.startsWith('net')
}

/** Longest part of a set's name that stands for the jail. With its prefix it stays far below the kernel's 255. */
const longName: NameLimits = { charsMax: 100, keptChars: 60, hashChars: 32 }

/** Name of a jail's set: `v4-sshd`. */
export function setName(kind: SetKind, jail: string): string {
  return `${kind}-${safeName(jail)}`
}

/** Name of the chain that says what becomes of who is in a jail's sets, where that takes more than one rule. */
export function verdictChainName(jail: string): string {
  return `verdict-${safeName(jail)}`
}

/** Name of the counter of all that a jail keeps out. It goes on when rules are written anew. */
export function counterName(jail: string): string {
  return `dropped-${safeName(jail)}`
}

/** Whether the jail's packets go to a chain of its own. */
export function hasVerdictChain(scope: Scope): boolean {
  return scope.log !== undefined || rejectionOf(scope) === 'tcp-reset'
}

/** Whether its packets may be kept out at ingress. Rejections are left to prerouting, where all kernels of today can answer. */
export function isForIngress(scope: Scope): boolean {
  return scope.verdict !== 'reject'
}

/** Undefined: dropped. */
export function rejectionOf({ verdict, rejectWith }: Scope): RejectWith | undefined {
  return verdict === 'reject' ? (rejectWith ?? 'port-unreachable') : undefined
}

/** NF_LOG_PREFIXLEN is 128 with its NUL. */
const logPrefixBytesMax = 127

/** `tocsin sshd: `. What would break a line or a string of nft's language is a question mark; too long names are cut. */
export function logPrefix(jail: string): string {
  const plain = jail.replace(/[^\x20-\x7e]|["\\$]/gu, '?')
  return `tocsin ${plain.slice(0, logPrefixBytesMax - 'tocsin : '.length)}: `
}

export interface NameLimits {
  charsMax: number
  /** What is left of a longer one, and how much of its hash stands behind. */
  keptChars: number
  hashChars: number
}

/**
 * Part of a name that stands for the jail. Letters, digits, `_` and `-` stay; every other byte (UTF-8) becomes `.HH`, so no two jails
 * share a name and every name can be written in nft's language. What gets too long is cut and ends in `..` and a SHA-256:
 * never equal to a short one, because a dot in those is followed by hex digits.
 */
export function safeName(jail: string, limits = longName): string {
  const name = jail.replace(/[^A-Za-z0-9_-]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `.${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
  if (name.length <= limits.charsMax) return name
  // A cut may leave half of an escape; the hash keeps it unique all the same.
  const hash = createHash('sha256').update(jail).digest('hex')
  return `${name.slice(0, limits.keptChars)}..${hash.slice(0, limits.hashChars)}`
}

/** Milliseconds for the kernel: 0 is "never". A part of a millisecond counts as a whole one, so that no ban ends early. */
export function kernelTimeoutMs(remainingMs: number | undefined): number {
  if (remainingMs === undefined || remainingMs > kernelTimeoutMsMax) return 0
  return Math.max(1, Math.ceil(remainingMs))
}

/** Throws when a scope would close nothing or could not be told from another: a jail that bans without effect must not start. */
export function checkScopes(scopes: readonly Scope[]): void {
  const seen = new Set<string>()
  for (const { jail, ports, protocols } of scopes) {
    if (seen.has(jail)) throw new Error(`Cannot arrange the firewall: jail "${jail}" is named twice`)
    seen.add(jail)
    if (ports === 'all') continue
    if (ports.length === 0 || protocols.length === 0)
      throw new Error(`Cannot arrange the firewall: jail "${jail}" names no ports or no protocols`)
    const wrong = ports.find(
      ({ first, last }) =>
        !(Number.isInteger(first) && Number.isInteger(last) && 0 <= first && first <= last && last <= 65535),
    )
    if (wrong !== undefined)
      throw new Error(`Cannot arrange the firewall: jail "${jail}" has the port range ${wrong.first}-${wrong.last}`)
  }
}

/** Throws when one of them is of a jail that has no scope: it would close nothing. */
export function checkJails(closures: readonly Closure[], jails: { has(jail: string): boolean }): void {
  const unknown = closures.find(({ jail }) => !jails.has(jail))
  if (unknown !== undefined)
    throw new Error(`Cannot close ${unknown.ip.text}: the firewall has no jail "${unknown.jail}"`)
}

/** Port ranges in order, overlapping and touching ones joined, as an interval set wants them. */
export function joinedPorts(ports: readonly { first: number; last: number }[]): { first: number; last: number }[] {
  const joined: { first: number; last: number }[] = []
  for (const { first, last } of [...ports].sort((a, b) => a.first - b.first)) {
    const before = joined.at(-1)
    if (before !== undefined && first <= before.last + 1) before.last = Math.max(before.last, last)
    else joined.push({ first, last })
  }
  return joined
}
