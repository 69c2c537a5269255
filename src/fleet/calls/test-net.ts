import { contains, type Ip, ipOf, isSingleAddress, parseIp } from '../../domain/address.js'

/** TEST-NET-3, 2 and 1: for documentation, nobody has them (RFC 5737). */
const testNets: readonly Ip[] = ['203.0.113.0/24', '198.51.100.0/24', '192.0.2.0/24'].flatMap(
  (text) => parseIp(text) ?? [],
)

export function isTestAddress(ip: Ip): boolean {
  return isSingleAddress(ip) && testNets.some((network) => contains(network, ip))
}

/** All of them, one network after the other, each begun somewhere by chance. `random`: 0 ≤ x < 1. */
export function* testAddresses(random: () => number): Iterable<Ip> {
  for (const { bytes } of testNets) {
    const first = Math.floor(random() * hostsMax)
    for (let n = 0; n < hostsMax; n++) yield ipOf(Uint8Array.from([...bytes.slice(0, 3), 1 + ((first + n) % hostsMax)]))
  }
}

/** 1 to 254. */
const hostsMax = 254
