import { type Ip, isSingleAddress, parseIp } from '../domain/address.js'
import { familyOf, isInterval, type NameLimits, type SetKind, safeName, setKinds } from './layout.js'

/** What the enforcer with ipset and iptables puts in place: four sets a jail, and chains of ours in the tables `raw` and `filter`. */
export const chainName = 'tocsin'
const prefix = 'tocsin-'

/**
 * Longest timeout that a set takes, 24 days and 20 hours (IPSET_MAX_TIMEOUT, ipset(8)). A closure for longer has none: who asked must
 * `open` it at its end.
 */
const timeoutSecondsMax = 2_147_483

/** A set that is full refuses what is new. Memory is taken only as it is needed. */
const elementsMax = 4_194_304

/** A set's name has 31 characters (IPSET_MAXNAMELEN), a chain's 28 (XT_EXTENSION_MAXNAMELEN); this much of them stands for the jail. */
const shortName: NameLimits = { charsMax: 21, keptChars: 5, hashChars: 14 }

export function isOurs(name: string): boolean {
  return name === chainName || name.startsWith(prefix)
}

/** `tocsin-v4-sshd`; networks are in `tocsin-n4-sshd`. */
export function ipsetName(kind: SetKind, jail: string): string {
  return `${prefix}${isInterval(kind) ? 'n' : 'v'}${familyOf(kind)}-${safeName(jail, shortName)}`
}

/** Name of the chain that says what becomes of a jail's packets, where that takes more than one rule. */
export function jailChainName(jail: string): string {
  return `${prefix}${safeName(jail, shortName)}`
}

export function namesOf(jail: string): string[] {
  return setKinds.map((kind) => ipsetName(kind, jail))
}

/** Line for `ipset restore`. */
export function createLine(kind: SetKind, jail: string): string {
  const [type, comment] = isInterval(kind) ? ['hash:net', ' comment'] : ['hash:ip', '']
  const family = familyOf(kind) === 4 ? 'inet' : 'inet6'
  return `create ${ipsetName(kind, jail)} ${type} family ${family} maxelem ${elementsMax} timeout 0 counters${comment} -exist`
}

/** Everything of one closure is one element, or the two halves of all addresses. */
export interface SetElements {
  set: string
  elements: string[]
}

/** A set of networks holds /0 as two halves that say so in a comment: `hash:net` knows no /0. */
const comment = '/0'
const halves = { 4: ['0.0.0.0/1', '128.0.0.0/1'], 6: ['::/1', '8000::/1'] } as const

export function elementsOf({ jail, ip }: { jail: string; ip: Ip }): SetElements {
  if (ip.prefix === 0)
    return {
      set: ipsetName(`net${ip.family}`, jail),
      elements: halves[ip.family].map((half) => `${half} ${comment}`),
    }
  // NOTE: `hash:ip` refuses 0.0.0.0 and ::, `hash:net` takes them.
  const isAddress = isSingleAddress(ip) && ip.bytes.some((byte) => byte !== 0)
  return { set: ipsetName(isAddress ? `v${ip.family}` : `net${ip.family}`, jail), elements: [ip.text] }
}

/** Puts the element in, or gives it its new end; what it counted stays. */
export function addLine(set: string, element: string, remainingMs: number | undefined): string {
  const [text, isHalf] = element.split(' ')
  return `add ${set} ${text} timeout ${timeoutSeconds(remainingMs)}${isHalf === undefined ? '' : ` comment "${comment}"`} -exist`
}

export function removeLine(set: string, element: string): string {
  return `del ${set} ${element.split(' ', 1)[0]} -exist`
}

/** Whole seconds, up, so that no ban ends early. 0: never. */
export function timeoutSeconds(remainingMs: number | undefined): number {
  if (remainingMs === undefined || remainingMs > timeoutSecondsMax * 1000) return 0
  return Math.max(1, Math.ceil(remainingMs / 1000))
}

export interface SavedElement {
  /** As `elementsOf` writes it. */
  element: string
  /** The second half of /0: its closure is counted with the first. */
  isSecondHalf: boolean
  /** Whole seconds, rounded down; undefined: it stays. */
  remainingMs: number | undefined
  packets: number
  bytes: number
}

/** Reads a line of `ipset save`; undefined for what is no element of ours. */
export function readSaved(line: string): SavedElement | undefined {
  const [, text = '', seconds, packets, bytes, remark] =
    /^add \S+ (\S+) timeout (\d+) packets (\d+) bytes (\d+)(?: comment "(.*)")?$/.exec(line) ?? []
  // The C library writes some addresses of IPv6 in another way (::1.2.3.4).
  const canonical = text.includes(':') ? parseIp(text)?.text : text
  if (seconds === undefined || canonical === undefined) return undefined
  const isHalf = remark === comment
  return {
    element: isHalf ? `${canonical} ${comment}` : canonical,
    isSecondHalf: isHalf && (canonical === halves[4][1] || canonical === halves[6][1]),
    remainingMs: seconds === '0' ? undefined : Number(seconds) * 1000,
    packets: Number(packets),
    bytes: Number(bytes),
  }
}
