import { type Ip, overlaps, parseIp } from '../../domain/address.js'

/** Addresses that no source of packets from elsewhere has: who wants to ban one is mistaken, or means harm (RFC 6890, RFC 4291). */
const nobodys = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/3',
  '::/127',
  'fe80::/10',
  'ff00::/8',
].flatMap((text) => parseIp(text) ?? [])

/** The one of these networks that the address or network touches. */
export function nobodysNetwork(ip: Ip): Ip | undefined {
  return nobodys.find((network) => overlaps(network, ip))
}
