import { createHash, sign } from 'node:crypto'
import type { KeyPair } from '../message/key.js'
import { base32, type NkeyKind, nkeyText } from './nkey.js'

export interface Claims {
  name: string
  /** Public key that is spoken of, as NATS writes it. */
  subject: string
  issuedMs: number
  /** Undefined: for ever. */
  expiresMs?: number | undefined
  /** What NATS reads: type, limits, permissions. */
  nats: Readonly<Record<string, unknown>>
}

/** A claim that NATS believes when it believes the issuer (its JWT library, version 2). */
export function signedJwt({ name, subject, issuedMs, expiresMs, nats }: Claims, issuer: Issuer): string {
  const body = {
    iat: Math.floor(issuedMs / 1000),
    iss: nkeyText(issuer.kind, issuer.publicKey),
    name,
    sub: subject,
    ...(expiresMs === undefined ? {} : { exp: Math.floor(expiresMs / 1000) }),
    nats: { ...nats, version: 2 },
  }
  const id = base32(createHash('sha256').update(JSON.stringify(body)).digest())
  const signed = `${encoded({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encoded({ jti: id, ...body })}`
  return `${signed}.${sign(null, Buffer.from(signed), issuer.privateKey).toString('base64url')}`
}

export interface Issuer extends KeyPair {
  kind: NkeyKind
}

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
