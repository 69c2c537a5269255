import { createHash } from 'node:crypto'
import { isNodeName } from '../member.js'
import { isFleetName } from '../message/signature.js'

/** What is in the one line that an operator carries to a new machine. */
export interface Invitation {
  fleet: string
  /** How the new machine is called. */
  name: string
  /** Where it is let in. */
  host: string
  port: number
  /** SHA-256 of the certificate of the fleet's authority, base64url. */
  pin: string
  id: string
  /** 16 bytes, base64url. Works once. */
  secret: string
  expiresMs: number
}

const head = 'tocsin-invite-'
const tokenCharsMax = 1024

/** One word without blanks, with a checksum, so that half of it is told from a wrong one. */
export function tokenOf(invitation: Invitation): string {
  const { fleet, name, host, port, pin, id, secret, expiresMs } = invitation
  const body = Buffer.from([fleet, name, host, port, pin, id, secret, Math.floor(expiresMs / 1000)].join(' '))
  return head + Buffer.concat([checksum(body), body]).toString('base64url')
}

/** Throws, with a sentence, for whatever is not a whole token. */
export function readToken(token: string): Invitation {
  const text = token.trim()
  if (!text.startsWith(head) || text.length > tokenCharsMax || !/^[\w-]+$/.test(text))
    throw new Error(`This is no invitation: it should be one word that begins with ${head}`)
  const bytes = Buffer.from(text.slice(head.length), 'base64url')
  const body = bytes.subarray(4)
  // A last letter that is too much, or another one of the same bits, is not in the bytes.
  const isWhole = bytes.toString('base64url') === text.slice(head.length)
  if (!isWhole || !bytes.subarray(0, 4).equals(checksum(body)))
    throw new Error('This invitation was changed on its way, or is not whole: copy it again')
  const [fleet, name, host = '', port, pin = '', id = '', secret = '', seconds] = body.toString().split(' ')
  const isKeyed = /^[\w-]{43}$/.test(pin) && isInviteId(id) && /^[\w-]{22}$/.test(secret)
  const isNamed = isFleetName(fleet) && isNodeName(name) && /^[\w.:-]+$/.test(host)
  if (!isNamed || !isKeyed || !(Number(port) > 0 && Number(port) < 65_536) || !Number.isSafeInteger(Number(seconds)))
    throw new Error('This invitation is of another version of tocsin')
  return { fleet, name, host, port: Number(port), pin, id, secret, expiresMs: Number(seconds) * 1000 }
}

export function isInviteId(id: unknown): id is string {
  return typeof id === 'string' && /^[0-9a-f]{16}$/.test(id)
}

function checksum(body: Uint8Array): Buffer {
  return createHash('sha256').update('tocsin invitation ').update(body).digest().subarray(0, 4)
}
