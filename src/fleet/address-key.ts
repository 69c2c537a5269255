import { v4Number, v4Text } from '../domain/address.js'

/**
 * The key of a canonical address or network in maps of many: an IPv4 address is a small integer, which costs a map half of what a text
 * does. Only canonical texts (`Ip.text`) have one key each.
 */
export type AddressKey = number | string

export function addressKey(ip: string): AddressKey {
  return v4Number(ip) ?? ip
}

/** The text of `addressKey`. */
export function addressText(key: AddressKey): string {
  return typeof key === 'number' ? v4Text(key) : key
}
