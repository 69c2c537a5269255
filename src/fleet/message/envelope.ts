import assert from 'node:assert/strict'
import { isUtf8 } from 'node:buffer'
import type { KeyObject } from 'node:crypto'
import { isNodeName, type Member, type MemberOf } from '../member.js'
import type { NodeName } from '../word.js'
import { type Refused, refused } from './refusal.js'
import { isFleetName, isSignedAt, signAt } from './signature.js'
import { parseSubject, type Subject } from './subject.js'

/** By whom and for where something is sealed. */
export interface SealOptions {
  fleet: string
  subject: string
  /** Who tells. */
  node: NodeName
  /** Ed25519, private. */
  key: KeyObject
}

export interface OpenOptions {
  fleet: string
  /** Where it was found. */
  subject: string
  memberOf: MemberOf
}

/** What was signed, by whom; its content is yet to be checked. */
export interface Opened {
  subject: Subject
  member: Member
  fields: Readonly<Record<string, unknown>>
}

/** A message is at most so long; what is longer is refused unread. The broker's own limit is 1 MiB. */
export const bodyBytesMax = 65_536
/** Objects and lists within one another. */
const depthMax = 6

/**
 * `{"v":1,"n":"web7",…,"s":"<signature>"}`: the fields as JSON without blanks, signed as the text that it would be without `s`. The
 * same fields give the same bytes.
 */
export function sealFields(fields: Readonly<Record<string, unknown>>, options: SealOptions): Uint8Array {
  const { fleet, subject, node, key } = options
  assert(isFleetName(fleet) && isNodeName(node), `no names: ${fleet}, ${node}`)
  assert(parseSubject(subject) !== undefined, `no subject of ours: ${subject}`)
  const text = JSON.stringify({ v: 1, n: node, ...fields })
  const signature = signAt(Buffer.from(text), { fleet, subject }, key).toString('base64url')
  const body = Buffer.from(`${text.slice(0, -1)},"s":"${signature}"}`)
  assert(body.length <= bodyBytesMax, `a message of ${body.length} bytes is refused by everybody`)
  return body
}

/** The reverse, of anybody's bytes: cheap checks first, the signature last, and no content before it. */
export function openFields(body: Uint8Array, options: OpenOptions): Opened | Refused {
  if (body.length > bodyBytesMax) return refused('too-large', `it has ${body.length} bytes`)
  const subject = parseSubject(options.subject)
  if (subject === undefined) return refused('foreign-subject', 'there is no such subject')
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length)
  const cut = cutSignature(bytes)
  if (cut === undefined) return refused('unsigned', 'it does not end in a signature')
  const fields = fieldsOf(cut.signed)
  if (fields === undefined) return refused('malformed', 'it is not the JSON that we write')
  if (fields.v !== 1) return refused('version', 'it is of a version that we do not know')
  const member = signerOf(fields.n, subject, options.memberOf)
  if ('refused' in member) return member
  if (!isSignedAt(cut.signed, options, member.publicKey, cut.signature))
    return refused('signature', 'its signature is by another key, or for another fleet or subject', member.name)
  const { v: _, n: _n, ...content } = fields
  return { subject, member, fields: content }
}

const tailHead = ',"s":"'
const tailChars = tailHead.length + 86 + 2

/** What was signed, and the signature over it; undefined: it does not end in one. */
function cutSignature(bytes: Buffer): { signed: Buffer; signature: Buffer } | undefined {
  const at = bytes.length - tailChars
  const [, text] = /^,"s":"([\w-]{86})"\}$/.exec(bytes.toString('latin1', Math.max(0, at))) ?? []
  if (at <= 0 || text === undefined) return undefined
  const signature = Buffer.from(text, 'base64url')
  // NOTE: the last character has four bits to spare: one message would have several bodies.
  if (signature.toString('base64url') !== text) return undefined
  return { signed: Buffer.concat([bytes.subarray(0, at), closing]), signature }
}

const closing = Buffer.from('}')

/** Undefined unless it is the one text of an object: no blanks, no name twice, no other way to write a character or number. */
function fieldsOf(signed: Buffer): Record<string, unknown> | undefined {
  if (!isUtf8(signed) || isTooDeep(signed)) return undefined
  const text = signed.toString('utf8')
  try {
    const fields: unknown = JSON.parse(text)
    const isObject = typeof fields === 'object' && fields !== null && !Array.isArray(fields)
    if (!isObject || JSON.stringify(fields) !== text) return undefined
    return { ...fields }
  } catch {
    return undefined // Not JSON, as far as we are concerned: the refusal says so.
  }
}

function isTooDeep(bytes: Uint8Array): boolean {
  let depth = 0
  let inText = false
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]
    if (inText) {
      if (byte === 0x5c) i++
      else if (byte === 0x22) inText = false
    } else if (byte === 0x22) inText = true
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > depthMax) return true
    } else if (byte === 0x7d || byte === 0x5d) depth--
  }
  return false
}

function signerOf(name: unknown, subject: Subject, memberOf: MemberOf): Member | Refused {
  if (!isNodeName(name)) return refused('malformed', 'it does not say who tells it')
  const owner = 'node' in subject && subject.kind !== 'ctl-member' ? subject.node : undefined
  if (owner !== undefined && owner !== name)
    return refused('foreign-subject', `it is told by ${name} on a subject of ${owner}`, name)
  const member = memberOf(name)
  if (member === undefined) return refused('unknown-node', `${name} is no member`, name)
  if (member.revokedAtMs !== undefined) return refused('revoked-node', `the key of ${name} is revoked`, name)
  if (subject.kind.startsWith('ctl') && member.level !== 'operator')
    return refused('not-an-operator', `${name} is no operator`, name)
  return member
}
