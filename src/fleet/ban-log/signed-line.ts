import { type Ip, parseIp } from '../../domain/address.js'
import { bansSubject, parseSubject } from '../message/subject.js'
import { decodeWord, encodeWord } from '../message/word-code.js'
import type { Parcel } from '../transport.js'
import type { BanWord } from '../word.js'
import { syslogDate } from './line-date.js'

/** A line is at most so long, so that it is one write, and a small one. */
export const lineCharsMax = 4000

export interface LineHead {
  nowMs: number
  pid: number
  /** The port that goes with a ban, for readers of plain lines; 0: all of them, or none in particular. */
  port: number
}

/**
 * A parcel as a line, without its end. The ban of one address reads `Nov 21 02:01:35 tocsin.web7.….SIGNATURE[812]: HOST 203.0.113.9 PORT 22`, so that
 * whoever knows plain lines bans it too; everything else reads `… tocsin[812]: #TELL SUBJECT BODY`, which he passes over. Undefined: it is too long.
 */
export function signedLine(parcel: Parcel, { nowMs, pid, port }: LineHead): string | undefined {
  const date = syslogDate(nowMs)
  const ban = banIn(parcel)
  const line =
    ban === undefined
      ? `${date} tocsin[${pid}]: #TELL ${parcel.subject} ${Buffer.from(parcel.body).toString('base64url')}`
      : `${date} ${tagOf(ban.word, ban.signature)}[${pid}]: HOST ${ban.word.ip} PORT ${port}`
  return line.length <= lineCharsMax ? line : undefined
}

/** What a line of this kind says about itself, before anything is verified. */
export interface SignedLine {
  parcel: Parcel
  /** Missing: it tells of something else. */
  ban?: { ip: Ip; atMs: number /** Undefined: permanent. */; untilMs: number | undefined }
}

/** The parcel of a line, not believed yet: it is to be opened like one from a broker; undefined: the line is none of ours, or not whole. The signature is over what stands in it, the address included. */
export function parseSignedLine(line: string): SignedLine | undefined {
  const [, subject, body] = told.exec(line) ?? []
  if (subject !== undefined && body !== undefined)
    return parseSubject(subject) && { parcel: { subject, body: Buffer.from(body, 'base64url') } }
  const {
    node = '',
    seq = '',
    at = '',
    until = '',
    failures = '',
    jail = '',
    signature = '',
    host = '',
  } = banned.exec(line)?.groups ?? {}
  const ip = parseIp(host)
  if (ip === undefined) return undefined
  const untilMs = until === '-' ? undefined : Number.parseInt(until, 36)
  const word: BanWord = {
    kind: 'ban',
    node,
    seq: Number.parseInt(seq, 36),
    atMs: Number.parseInt(at, 36),
    ip: host,
    jail: decoded(jail),
    untilMs,
    failures: Number.parseInt(failures, 10),
    byHand: failures.endsWith('h'),
  }
  return {
    parcel: { subject: bansSubject(node, ip), body: bodyOf(word, signature) },
    ban: { ip, atMs: word.atMs, untilMs },
  }
}

const head = String.raw`^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d tocsin`
const told = new RegExp(String.raw`${head}\[\d{1,10}\]: #TELL ([\w.-]{1,128}) ([\w-]{1,${lineCharsMax}})$`)
const banned = new RegExp(
  String.raw`${head}\.(?<node>[a-z0-9-]{1,32})\.(?<seq>[0-9a-z]{1,11})\.(?<at>[0-9a-z]{1,9})\.(?<until>[0-9a-z]{1,9}|-)\.(?<failures>\d{1,10}h?)\.(?<jail>[\w%~!*'()-]{1,800})\.(?<signature>[\w-]{86})\[\d{1,10}\]: HOST (?<host>[\da-f.:/]{2,49}) PORT \d{1,5}$`,
)

function tagOf({ node, seq, atMs, untilMs, failures, byHand, jail }: BanWord, signature: string): string {
  const until = untilMs === undefined ? '-' : untilMs.toString(36)
  const count = `${failures}${byHand ? 'h' : ''}`
  // A dot is what parts are told apart by.
  const name = encodeURIComponent(jail).replaceAll('.', '%2E')
  return ['tocsin', node, seq.toString(36), atMs.toString(36), until, count, name, signature].join('.')
}

/** The ban of one address in a parcel of ours that holds nothing else. */
export function banIn({ subject, body }: Parcel): { word: BanWord; signature: string } | undefined {
  const about = parseSubject(subject)
  if (about?.kind !== 'bans' || about.ip === undefined) return undefined
  const { n, e, s } = JSON.parse(Buffer.from(body).toString()) as Record<string, unknown>
  if (typeof n !== 'string' || typeof s !== 'string' || !Array.isArray(e) || e.length !== 1) return undefined
  const word = decodeWord(e[0], n)?.word
  return word?.kind === 'ban' ? { word, signature: s } : undefined
}

/** The one body that a word with this signature has (message/envelope). */
function bodyOf(word: BanWord, signature: string): Uint8Array {
  const text = JSON.stringify({ v: 1, n: word.node, e: [encodeWord(word)] })
  return Buffer.from(`${text.slice(0, -1)},"s":"${signature}"}`)
}

/** Empty, which no jail is called, for what is no such text. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}
