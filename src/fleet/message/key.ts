import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'

/** An ed25519 key pair (RFC 8032). The private key never leaves the machine it was made on. */
export interface KeyPair {
  publicKey: KeyObject
  privateKey: KeyObject
}

export function generateKeyPair(): KeyPair {
  return generateKeyPairSync('ed25519')
}

/** The 32 bytes of a public key in base64url: 43 characters. */
export function publicKeyText(key: KeyObject): string {
  const { x } = key.export({ format: 'jwk' })
  if (typeof x !== 'string') throw new TypeError(`Not an ed25519 key: ${key.asymmetricKeyType}`)
  return x
}

/** Undefined for whatever is not the one canonical text of an ed25519 public key. */
export function publicKeyOf(text: unknown): KeyObject | undefined {
  if (typeof text !== 'string' || !/^[\w-]{43}$/.test(text)) return undefined
  try {
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: text }, format: 'jwk' })
    // NOTE: the last character has two bits to spare; two texts of one key would be two members.
    return publicKeyText(key) === text ? key : undefined
  } catch {
    return undefined // Not the bytes of a key: the caller says whose.
  }
}

/** The pair of a 32 byte seed (RFC 8032 section 5.1.5): what is kept in a file, and what the broker's own identities are made of. */
export function keyPairOf(seed: Uint8Array): KeyPair {
  if (seed.length !== 32) throw new RangeError(`An ed25519 seed has 32 bytes, this has ${seed.length}`)
  const privateKey = createPrivateKey({ key: Buffer.concat([pkcs8Head, seed]), format: 'der', type: 'pkcs8' })
  return { privateKey, publicKey: createPublicKey(privateKey) }
}

/** The 32 bytes to keep. A secret. */
export function seedOf(privateKey: KeyObject): Uint8Array {
  return Uint8Array.from(privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32))
}

/** What stands before the seed in the DER of an ed25519 private key (RFC 8410 section 7). */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex')
