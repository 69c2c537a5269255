import { endianness } from 'node:os'

/** The bytes of hexadecimal digits, in their order. */
export function hexBytes(digits: string): Uint8Array {
  return Uint8Array.from(Buffer.from(digits, 'hex'))
}

/** The network-order bytes of an address that /proc/net prints as 32-bit numbers of the machine's byte order. */
export function hostOrderBytes(digits: string): Uint8Array {
  const bytes = Buffer.from(digits, 'hex')
  return Uint8Array.from(endianness() === 'LE' ? bytes.swap32() : bytes)
}
