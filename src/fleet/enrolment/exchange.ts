import { sign, verify } from 'node:crypto'
import { type KeyPair, publicKeyOf } from '../message/key.js'
import { isNkey } from '../nats/nkey.js'
import { isInviteId } from './invitation.js'

/** What a new machine says: one line of JSON over TLS. */
export interface JoinRequest {
  fleet: string
  id: string
  secret: string
  name: string
  /** Of its words. */
  key: string
  brokerKey: string
  /** By `key`, over all of the above but the secret: nobody can join with somebody else's key. */
  proof: string
}

/** Both lines are at most so long; whoever sends more is cut off. A fleet's members are not in there. */
export const lineBytesMax = 16_384

export function joinRequest(fields: Omit<JoinRequest, 'proof'>, { privateKey }: KeyPair): JoinRequest {
  return { ...fields, proof: sign(null, bound(fields), privateKey).toString('base64url') }
}

/** Undefined for anything that is no request of a machine which has the key that it names. */
export function readJoinRequest(line: string): JoinRequest | undefined {
  const fields = jsonOf(line)
  if (fields === undefined) return undefined
  const { fleet, id, secret, name, key, brokerKey, proof } = fields
  const publicKey = publicKeyOf(key)
  if (publicKey === undefined || !isNkey('user', brokerKey) || !isInviteId(id)) return undefined
  if (typeof fleet !== 'string' || typeof secret !== 'string' || typeof name !== 'string') return undefined
  if (typeof proof !== 'string' || !/^[\w-]{86}$/.test(proof) || typeof key !== 'string') return undefined
  const request = { fleet, id, secret, name, key, brokerKey, proof }
  return verify(null, bound(request), publicKey, Buffer.from(proof, 'base64url')) ? request : undefined
}

/** NOTE: begins with other words than what is signed anywhere else with this key (message/signature). */
function bound({ fleet, id, name, key, brokerKey }: Omit<JoinRequest, 'proof' | 'secret'>): Buffer {
  return Buffer.from(['tocsin join 1', fleet, id, name, key, brokerKey].join('\n'))
}

/** What it is answered. */
export type JoinAnswer =
  | {
      ok: true
      card: string
      url: string
      operatorKey: string
      sinceMs: number
      /** By the clock of who answers; an older version does not say it. */
      nowMs?: number
    }
  | { ok: false; reason: string }

export function readJoinAnswer(line: string): JoinAnswer | undefined {
  const { ok, card, url, operatorKey, sinceMs, nowMs, reason } = jsonOf(line) ?? {}
  if (ok === false) return { ok, reason: String(reason).slice(0, 300) }
  if (ok !== true || typeof card !== 'string' || typeof url !== 'string') return undefined
  if (typeof operatorKey !== 'string' || publicKeyOf(operatorKey) === undefined) return undefined
  if (typeof sinceMs !== 'number') return undefined
  return { ok, card, url, operatorKey, sinceMs, ...(typeof nowMs === 'number' && { nowMs }) }
}

function jsonOf(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined // A stranger's bytes.
  }
}
