import { createHash } from 'node:crypto'
import { type Ip, ipOf, isSingleAddress, parseIp } from '../../domain/address.js'
import { isNodeName } from '../member.js'
import type { NodeName } from '../word.js'

/** What a subject says by itself: whose it is and what may stand there. */
export type Subject =
  /** Bans and their ends, of one address (the last word of each is kept), or of many. */
  | { kind: 'bans'; node: NodeName; ip: Ip | undefined }
  /** Sightings, of one shard of the addresses, or of all. */
  | { kind: 'sight'; node: NodeName; shard: number | undefined }
  | { kind: 'hb'; node: NodeName }
  /** What a node asks all others; nobody keeps it. */
  | { kind: 'call'; node: NodeName }
  /** What `node` answers to `to`, who alone hears it. */
  | { kind: 'answer'; to: NodeName; node: NodeName }
  /** The state of the broker's streams and snapshots. */
  | { kind: 'head' }
  /** An operator's: `mode`, `epoch`, `policy`. */
  | { kind: 'ctl'; what: string }
  | { kind: 'ctl-member'; what: 'member' | 'revoke'; node: NodeName }
  | { kind: 'ctl-ip'; what: 'ban' | 'unban'; ip: Ip }

const subjectCharsMax = 128

/** Undefined: a subject that we do not have. */
export function parseSubject(text: string): Subject | undefined {
  if (text.length > subjectCharsMax) return undefined
  const [kind = '', second = '', ...rest] = text.split('.')
  if (kind === 'head') return text === 'head' ? { kind } : undefined
  if (kind === 'ctl') return parseControl(second, rest.join('.'))
  if (kind === 'sight') return parseSight(second, rest)
  if (!isNodeName(second)) return undefined
  if (kind === 'hb' || kind === 'call') return rest.length === 0 ? { kind, node: second } : undefined
  if (kind === 'answer') return parseAnswer(second, rest)
  return kind === 'bans' ? parseBans(second, rest) : undefined
}

/** `bans.web7.4.203.0.113.9`: where the last word of a node about an address is kept. */
export function bansSubject(node: NodeName, ip: Ip): string {
  return `bans.${node}.${addressToken(ip)}`
}

/** Where a node tells of several addresses at once. `part` keeps one from overwriting another where the last of each subject is kept. */
export function batchSubject(node: NodeName, part?: string): string {
  return part === undefined ? `bans.${node}.batch` : `bans.${node}.batch.${part}`
}

/** `sight.3f.web7`, or `sight.all.web7` for a batch of any addresses, in fleets where everybody counts everything. */
export function sightSubject(node: NodeName, shard: number | undefined): string {
  return `sight.${shard === undefined ? 'all' : shard.toString(16).padStart(2, '0')}.${node}`
}

export function callSubject(node: NodeName): string {
  return `call.${node}`
}

export function answerSubject(to: NodeName, node: NodeName): string {
  return `answer.${to}.${node}`
}

/** Which of the 256 parts of all addresses this one is counted in: all of a /24 or /48 in the same one. */
export function shardOf(ip: Ip): number {
  const network = parseIp(`${ipOf(ip.bytes).text}/${Math.min(ip.prefix, ip.family === 4 ? 24 : 48)}`) ?? ip
  return createHash('sha256').update(network.text).digest()[0] ?? 0
}

/** An address as a part of a subject: `4.203.0.113.9`, `4.203.0.113.0.p24`, `6.` and 32 hexadecimal digits. */
export function addressToken(ip: Ip): string {
  const bytes = ip.family === 4 ? ip.bytes.join('.') : Buffer.from(ip.bytes).toString('hex')
  return `${ip.family}.${bytes}${isSingleAddress(ip) ? '' : `.p${ip.prefix}`}`
}

function parseBans(node: NodeName, rest: string[]): Subject | undefined {
  if (rest[0] === 'batch') {
    const isGood = rest.length === 1 || (rest.length === 2 && /^[a-z0-9-]{1,40}$/.test(rest[1] ?? ''))
    return isGood ? { kind: 'bans', node, ip: undefined } : undefined
  }
  const ip = addressOf(rest.join('.'))
  return ip === undefined ? undefined : { kind: 'bans', node, ip }
}

function parseAnswer(to: NodeName, [node, ...more]: string[]): Subject | undefined {
  return isNodeName(node) && more.length === 0 ? { kind: 'answer', to, node } : undefined
}

function parseSight(shard: string, [node, ...more]: string[]): Subject | undefined {
  if (!isNodeName(node) || more.length > 0) return undefined
  if (shard === 'all') return { kind: 'sight', node, shard: undefined }
  return /^[0-9a-f]{2}$/.test(shard) ? { kind: 'sight', node, shard: Number.parseInt(shard, 16) } : undefined
}

function parseControl(what: string, rest: string): Subject | undefined {
  if (what === 'member' || what === 'revoke')
    return isNodeName(rest) ? { kind: 'ctl-member', what, node: rest } : undefined
  if (what === 'ban' || what === 'unban') {
    const ip = addressOf(rest)
    return ip === undefined ? undefined : { kind: 'ctl-ip', what, ip }
  }
  return rest === '' && /^(?:mode|epoch|policy)$/.test(what) ? { kind: 'ctl', what } : undefined
}

/** The address of a token; undefined when it is not the one token that an address has. */
function addressOf(token: string): Ip | undefined {
  const [, v4, v6, prefix] = /^(?:4\.((?:\d{1,3}\.){3}\d{1,3})|6\.([0-9a-f]{32}))(?:\.p(\d{1,3}))?$/.exec(token) ?? []
  const address = v4 ?? (v6 === undefined ? undefined : ipOf(Buffer.from(v6, 'hex')).text)
  if (address === undefined) return undefined
  const ip = parseIp(prefix === undefined ? address : `${address}/${prefix}`)
  return ip !== undefined && addressToken(ip) === token ? ip : undefined
}
