import { lookup } from 'node:dns/promises'
import type { Protection } from '../../bans/protection.js'
import { type Ip, isSingleAddress, overlaps, parseIp } from '../../domain/address.js'
import { hostsOf } from '../../fleet/nats/broker-urls.js'
import type { NodeName } from '../../fleet/word.js'

export interface FleetAddressesOptions {
  protection: Pick<Protection, 'setFleet'>
  /** Whether it is a member that is believed. */
  isTrusted(node: NodeName): boolean
  /** Somebody's address that was not known before. */
  onPeer(ip: Ip, node: NodeName): void
}

/** Who has more has a wandering one: the oldest is forgotten. */
const addressesPerNodeMax = 4

/**
 * Where the brokers and the other machines are. Nobody bans the brokers here. The machines no word of the fleet bans; a jail of our own may,
 * for what a machine says of itself must not shield an attacker from what we see with our own eyes.
 */
export class FleetAddresses {
  readonly #options: FleetAddressesOptions
  /** By address; behind one router several have the same. */
  readonly #peers = new Map<string, Peer>()
  /** Oldest first. */
  readonly #ofNode = new Map<NodeName, Ip[]>()

  constructor(options: FleetAddressesOptions) {
    this.#options = options
  }

  /** `urls`: `tls://HOST:PORT`, one or several. Names are looked up; those that cannot be are protected from the next connection on. */
  async setBrokers(urls: string): Promise<void> {
    const found = await Promise.all(hostsOf(urls).map(addressesOf))
    const members = found.flat().flatMap((text) => parseIp(text) ?? [])
    if (members.length > 0) this.#options.protection.setFleet(members.map((ip) => ({ ip, what: "the fleet's broker" })))
  }

  /** A member has said where it is. */
  tell(node: NodeName, address: string): void {
    const ip = parseIp(address)
    if (ip === undefined) return
    const peer = this.#peers.get(ip.text) ?? { ip, nodes: new Set() }
    if (peer.nodes.has(node)) return
    this.#peers.set(ip.text, peer)
    peer.nodes.add(node)
    const own = this.#ofNode.get(node) ?? []
    this.#ofNode.set(node, own)
    own.push(ip)
    if (own.length > addressesPerNodeMax) this.#forgetOldest(node, own)
    if (this.#options.isTrusted(node)) this.#options.onPeer(ip, node)
  }

  /** The end of a sentence that begins with "Refused to ban …:"; undefined: no machine of the fleet is there. */
  reasonAgainst(ip: Ip): string | undefined {
    const known = this.#peers.get(ip.text)
    if (isSingleAddress(ip)) return known && this.#reasonBy(known)
    for (const peer of this.#peers.values()) {
      const reason = overlaps(ip, peer.ip) ? this.#reasonBy(peer) : undefined
      if (reason !== undefined) return reason
    }
    return undefined
  }

  #reasonBy(peer: Peer): string | undefined {
    const node = [...peer.nodes].find((one) => this.#options.isTrusted(one))
    return node && `${peer.ip.text} is ${node} of the fleet`
  }

  #forgetOldest(node: NodeName, own: Ip[]): void {
    const address = own.shift()?.text ?? ''
    const peer = this.#peers.get(address)
    peer?.nodes.delete(node)
    if (peer?.nodes.size === 0) this.#peers.delete(address)
  }
}

interface Peer {
  ip: Ip
  nodes: Set<NodeName>
}

async function addressesOf(host: string): Promise<string[]> {
  if (parseIp(host) !== undefined) return [host]
  // Nobody knows the name: the connection will say so, and the next one asks again.
  const found = await lookup(host, { all: true }).catch(() => [])
  return found.map(({ address }) => address)
}
