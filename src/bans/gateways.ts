import { type Ip, ipOf, isSingleAddress } from '../domain/address.js'
import { readBegin } from './bounded-file.js'
import type { Guarded } from './guarded.js'
import { hexBytes, hostOrderBytes } from './proc-address.js'

/** Flags of a route (<linux/route.h>). */
const RTF_UP = 0x1
const RTF_GATEWAY = 0x2

/**
 * So much of each routing table is looked at: some 7,000 routes. IPv4's default route stands first. Beyond: a router with a full table
 * and an IPv6 default route behind it; its gateways belong into `[protect] ignoreip`.
 */
const tableBytesMax = 1 << 20

/** Through whom this machine reaches others: /proc/net/route and /proc/net/ipv6_route (the main table). */
export function gateways(folder = '/proc/net'): Guarded[] {
  const routes = [
    ...v4Routes(readBegin(`${folder}/route`, tableBytesMax) ?? ''),
    ...v6Routes(readBegin(`${folder}/ipv6_route`, tableBytesMax) ?? ''),
  ]
  const known = new Map<string, Guarded>()
  for (const { gateway, isDefault } of routes) {
    const { text } = gateway
    if (known.has(text) && !isDefault) continue
    const reason = isDefault ? `${text} is the default gateway` : `${text} is a gateway of this machine`
    known.set(text, { ip: gateway, kind: 'gateway', reason })
  }
  return [...known.values()]
}

interface Route {
  gateway: Ip
  isDefault: boolean
}

/** `Iface Destination Gateway Flags …`, addresses as numbers in the machine's byte order. */
function v4Routes(text: string): Route[] {
  return [...text.matchAll(/^\S+\t([\dA-F]{8})\t([\dA-F]{8})\t([\dA-F]+)\t/gm)].flatMap(
    ([, destination = '', gateway = '', flags = '']) =>
      routeOf({ destination, gateway: hostOrderBytes(gateway), flags }),
  )
}

/** `destination length source length gateway metric references use flags device`, addresses in network order. */
function v6Routes(text: string): Route[] {
  const line =
    /^([\da-f]{32}) ([\da-f]{2}) [\da-f]{32} [\da-f]{2} ([\da-f]{32}) [\da-f]+ [\da-f]+ [\da-f]+ ([\da-f]+) /gm
  return [...text.matchAll(line)].flatMap(([, destination = '', length = '', gateway = '', flags = '']) =>
    routeOf({ destination: destination + length, gateway: hexBytes(gateway), flags }),
  )
}

function routeOf(line: { destination: string; gateway: Uint8Array; flags: string }): Route[] {
  const flags = Number.parseInt(line.flags, 16)
  if ((flags & RTF_UP) === 0 || (flags & RTF_GATEWAY) === 0) return []
  const gateway = ipOf(line.gateway)
  return isSingleAddress(gateway) ? [{ gateway, isDefault: /^0+$/.test(line.destination) }] : []
}
