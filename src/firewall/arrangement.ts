import type { PortRange, Scope } from '../domain/enforcer.js'
import {
  chainName,
  chainPriority,
  familyOf,
  isInterval,
  joinedPorts,
  protocolNumbers,
  type SetKind,
  setKinds,
  setName,
} from './layout.js'
import { writeElements } from './netlink/elements.js'
import { cmp, drop, lookup, meta, payload, range } from './netlink/expressions.js'
import {
  NFPROTO_IPV4,
  NFPROTO_IPV6,
  NFT_SET_ANONYMOUS,
  NFT_SET_CONSTANT,
  NFT_SET_INTERVAL,
  NFT_SET_TIMEOUT,
  type NftWriter,
  type SetDefinition,
} from './netlink/nftables.js'

export interface Arrangement {
  scopes: readonly Scope[]
  /** Names of the sets that are there and belong to no scope. */
  strangers: readonly string[]
  /** Whether the table is removed first, with all that is in it. */
  isAnew: boolean
}

/** Writes everything but the elements: table, chain, sets, and the rules in place of those that were there. */
export function writeArrangement(writer: NftWriter, { scopes, strangers, isAnew }: Arrangement): void {
  writer.newTable()
  if (isAnew) {
    writer.delTable()
    writer.newTable()
  }
  writer.newBaseChain(chainName, chainPriority)
  writer.flushChain(chainName)
  for (const name of strangers) writer.delSet(name)
  let id = 0
  const nextId = () => ++id
  for (const scope of scopes) writeScope(writer, scope, nextId)
}

function writeScope(writer: NftWriter, scope: Scope, nextId: () => number): void {
  for (const kind of setKinds) {
    const set = setOf(kind, scope.jail, nextId())
    writer.newSet(set)
    if (scope.ports === 'all') writeRule(writer, kind, set)
    else
      for (const protocol of new Set(scope.protocols))
        writePortRule(writer, kind, set, { ports: scope.ports, protocol, nextId })
  }
}

/** The set of a kind for a jail. `id` only matters inside the transaction. */
function setOf(kind: SetKind, jail: string, id: number): SetDefinition {
  const family = familyOf(kind)
  return {
    name: setName(kind, jail),
    flags: NFT_SET_TIMEOUT | (isInterval(kind) ? NFT_SET_INTERVAL : 0),
    keyType: family === 4 ? 'ipv4_addr' : 'ipv6_addr',
    keyBytes: family === 4 ? 4 : 16,
    id,
    counted: true,
  }
}

type Ports = { ports: readonly PortRange[]; protocol: Scope['protocols'][number]; nextId: () => number }

function writePortRule(writer: NftWriter, kind: SetKind, set: SetDefinition, { ports, protocol, nextId }: Ports): void {
  const ranges = joinedPorts(ports)
  const [only] = ranges
  const several = ranges.length > 1 ? writePortSet(writer, ranges, nextId()) : undefined
  writeRule(writer, kind, set, () => {
    meta(writer.out, 'l4proto')
    cmp(writer.out, Uint8Array.of(protocolNumbers[protocol]))
    payload(writer.out, { base: 'transport', offset: 2, bytes: 2 })
    if (several !== undefined) lookup(writer.out, several)
    else if (only !== undefined && only.first === only.last) cmp(writer.out, port(only.first))
    else if (only !== undefined) range(writer.out, port(only.first), port(only.last))
  })
}

/** The address is looked up last, because the element's counter counts what is found: only what is then dropped. */
function writeRule(writer: NftWriter, kind: SetKind, set: SetDefinition, portMatch: () => void = () => {}): void {
  const isV4 = familyOf(kind) === 4
  writer.newRule(chainName, set.name, (out) => {
    meta(out, 'nfproto')
    cmp(out, Uint8Array.of(isV4 ? NFPROTO_IPV4 : NFPROTO_IPV6))
    portMatch()
    payload(out, isV4 ? { base: 'network', offset: 12, bytes: 4 } : { base: 'network', offset: 8, bytes: 16 })
    lookup(out, set)
    drop(out)
  })
}

/** An anonymous set belongs to one rule and goes with it. */
function writePortSet(writer: NftWriter, ranges: readonly PortRange[], id: number): { name: string; id: number } {
  const name = '__set%d'
  const elements = ranges.flatMap(({ first, last }) =>
    // The highest port has no "first one after": such a range stays open.
    last === 65535 ? [{ key: port(first) }] : [{ key: port(first) }, { key: port(last + 1), isEnd: true }],
  )
  const flags = NFT_SET_ANONYMOUS | NFT_SET_CONSTANT | NFT_SET_INTERVAL
  writer.newSet({ name, flags, keyType: 'inet_service', keyBytes: 2, id, counted: false, size: elements.length })
  writeElements(writer, { kind: 'NEWSETELEM', set: name, setId: id, elements })
  return { name, id }
}

function port(number: number): Uint8Array {
  return Uint8Array.of(number >> 8, number & 0xff)
}
