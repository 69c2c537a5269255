import { type KeyObject, sign, verify } from 'node:crypto'

/** Where a message belongs. It is part of what is signed, so that nothing can be told again elsewhere. */
export interface Place {
  fleet: string
  subject: string
}

export const signatureBytes = 64

/** Ed25519 over our tag, the fleet, the subject and the text. Neither fleet nor subject can hold a line end, so no two places share a text. */
export function signAt(text: Uint8Array, place: Place, key: KeyObject): Buffer {
  return sign(null, bound(text, place), key)
}

export function isSignedAt(text: Uint8Array, place: Place, key: KeyObject, signature: Uint8Array): boolean {
  return signature.length === signatureBytes && verify(null, bound(text, place), key, signature)
}

/** Tells a version of what is signed, so that a key never signs the same bytes in two meanings. */
const tag = 'tocsin1'

function bound(text: Uint8Array, { fleet, subject }: Place): Buffer {
  return Buffer.concat([Buffer.from(`${tag}\n${fleet}\n${subject}\n`), text])
}

/** Whether a fleet can be called so. */
export function isFleetName(name: unknown): name is string {
  return typeof name === 'string' && /^[a-z0-9][a-z0-9.-]{0,62}$/.test(name)
}
