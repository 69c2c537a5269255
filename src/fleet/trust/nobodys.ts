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

/** Whether anything under this first byte of IPv4 is among them: asked for each ban of a snapshot. */
const v4Begins = Array.from({ length: 256 }, (_, byte) =>
  nobodys.some(
    ({ family, bytes, prefix }) => family === 4 && ((bytes[0] ?? 0) ^ byte) >> (8 - Math.min(prefix, 8)) === 0,
  ),
)

/** The one of these networks that the address or network touches. */
export function nobodysNetwork(ip: Ip): Ip | undefined {
  if (ip.family === 4 && ip.prefix >= 8 && !v4Begins[ip.bytes[0] ?? 0]) return undefined
  return nobodys.find((network) => overlaps(network, ip))
}
