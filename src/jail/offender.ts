import { contains, type Ip, ipOf, parseIp } from '../domain/address.js'

/**
 * Who answers for a failure: an IPv6 address stands for its network of `prefix` bits, for whoever has one address of a /64 has all
 * of them. Everything else stands for itself: IPv4, what is a network already, text, and addresses whose neighbours are somebody else.
 */
export function offenderOf(id: string, prefix: number): string {
  if (!id.includes(':')) return id
  const ip = parseIp(id)
  if (ip === undefined || ip.family !== 6 || ip.prefix <= prefix || hasForeignNeighbours(ip)) return id
  return networkOf(ip, prefix)
}

/** The network of so many bits around an address or a smaller network. */
export function networkOf({ bytes }: Ip, prefix: number): string {
  const network = bytes.slice()
  const last = prefix >> 3
  if (last < network.length) network[last] = (network[last] ?? 0) & (0xff00 >> (prefix & 7))
  return ipOf(network.fill(0, last + 1), prefix).text
}

/** Whether the network around this address is shared by parties that have nothing to do with one another, or is a network of our own house. */
export function hasForeignNeighbours(ip: Ip): boolean {
  return shared.some((network) => contains(network, ip))
}

const shared = [
  // Private and link-local (RFC 1918, 3927, 4193, 4291): the machines of one house. Carrier-grade NAT (RFC 6598).
  ...['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', '127.0.0.0/8', '100.64.0.0/10'],
  ...['fc00::/7', 'fe80::/10'],
  // Translated IPv4: one /64 of NAT64 (RFC 6052, 8215) holds all of it; Teredo (RFC 4380) has every client of a server in one.
  ...['::/8', '2001::/32'],
].flatMap((text) => parseIp(text) ?? [])
