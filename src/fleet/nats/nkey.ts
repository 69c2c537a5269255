import { hkdfSync, type KeyObject, sign } from 'node:crypto'
import { type KeyPair, keyPairOf, publicKeyText } from '../message/key.js'

/** What a key of NATS is for; its text begins with that letter (nkeys, prefix bytes). */
const prefixes = { operator: 14 << 3, account: 0, user: 20 << 3 } as const
export type NkeyKind = keyof typeof prefixes

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const nkeyChars = 56

/** A public key as NATS writes it: prefix, 32 bytes and CRC-16 in base32 without padding: 56 characters. */
export function nkeyText(kind: NkeyKind, key: KeyObject): string {
  const body = Buffer.concat([Buffer.of(prefixes[kind]), Buffer.from(publicKeyText(key), 'base64url')])
  const checksum = Buffer.alloc(2)
  checksum.writeUInt16LE(crc16(body))
  return base32(Buffer.concat([body, checksum]))
}

/** Whether a text is a public key of that kind, whole and unharmed. */
export function isNkey(kind: NkeyKind, text: unknown): text is string {
  if (typeof text !== 'string' || text.length !== nkeyChars || !/^[A-Z2-7]+$/.test(text)) return false
  const bytes = fromBase32(text)
  return bytes[0] === prefixes[kind] && bytes.readUInt16LE(33) === crc16(bytes.subarray(0, 33))
}

/**
 * The key of one purpose, made of a seed that has another one (HKDF, RFC 5869). NOTE: a broker lets its clients sign any text that it likes, the
 * nonce; were it done with the key that signs words, a hostile broker could have words signed.
 */
export function derivedKeyPair(seed: Uint8Array, purpose: string): KeyPair {
  return keyPairOf(new Uint8Array(hkdfSync('sha256', seed, '', `tocsin ${purpose}`, 32)))
}

/** The key that a node shows the broker; `seed` is that of its words. */
export function brokerKeyPair(seed: Uint8Array): KeyPair {
  return derivedKeyPair(seed, 'nats user')
}

/** What the broker wants to see of a user: `sig` in CONNECT. 0.1 ms; the npm package of nkeys needs 50. */
export function signNonce(nonce: string, privateKey: KeyObject): string {
  return sign(null, Buffer.from(nonce), privateKey).toString('base64url')
}

/** RFC 4648 section 6, without padding. */
export function base32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let value = 0
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += alphabet[(value >> bits) & 31]
    }
  }
  return bits > 0 ? text + alphabet[(value << (5 - bits)) & 31] : text
}

function fromBase32(text: string): Buffer {
  const bytes: number[] = []
  let bits = 0
  let value = 0
  for (const letter of text) {
    value = ((value << 5) | alphabet.indexOf(letter)) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes.push((value >> bits) & 0xff)
  }
  return Buffer.from(bytes)
}

/** CRC-16/XMODEM, which nkeys use. */
function crc16(bytes: Uint8Array): number {
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte << 8
    for (let i = 0; i < 8; i++) crc = ((crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021) & 0xffff
  }
  return crc
}
