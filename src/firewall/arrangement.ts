import type { PortRange, RejectWith, Scope } from '../domain/enforcer.js'
import {
  chainName,
  chainPriority,
  counterName,
  familyOf,
  hasVerdictChain,
  ingressChainName,
  ingressChainPriority,
  isForIngress,
  isInterval,
  joinedPorts,
  logPrefix,
  protocolNumbers,
  rejectionOf,
  type SetKind,
  setKinds,
  setName,
  verdictChainName,
} from './layout.js'
import { writeElements } from './netlink/elements.js'
import { cmp, countIn, lookup, meta, payload, range } from './netlink/expressions.js'
import type { MessageWriter } from './netlink/message.js'
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
import { drop, goto, limit, log, reject } from './netlink/verdicts.js'

/** Names of what is in the table and has no place there. */
export interface Strangers {
  sets: readonly string[]
  chains: readonly string[]
  counters: readonly string[]
}

export const noStrangers: Strangers = { sets: [], chains: [], counters: [] }

export interface Arrangement {
  scopes: readonly Scope[]
  /** Interfaces whose packets are looked at as soon as they come in; all must exist. None: there is no such chain. */
  ingress: readonly string[]
  /** Names of the sets and chains that are there and have no place any more, or must be made anew. */
  strangers: Strangers
  /** Whether the table is removed first, with all that is in it. */
  isAnew: boolean
}

/** Names of the chains that an arrangement keeps as they are. The ingress chain is none: its interfaces cannot be changed everywhere. */
export function chainNames(scopes: readonly Scope[]): Set<string> {
  return new Set([chainName, ...scopes.filter(hasVerdictChain).map(({ jail }) => verdictChainName(jail))])
}

/** Writes everything but the elements: table, chains, sets, and the rules in place of those that were there. */
export function writeArrangement(writer: NftWriter, { scopes, ingress, strangers, isAnew }: Arrangement): void {
  writer.newTable()
  if (isAnew) {
    writer.delTable()
    writer.newTable()
  }
  writer.newBaseChain({ name: chainName, priority: chainPriority, hook: 'prerouting' })
  writer.flushChain(chainName)
  // One of them may send to another.
  for (const name of strangers.chains) writer.flushChain(name)
  for (const name of strangers.chains) writer.delChain(name)
  for (const name of strangers.sets) writer.delSet(name)
  for (const name of strangers.counters) writer.delCounter(name)
  if (ingress.length > 0)
    writer.newBaseChain({
      name: ingressChainName,
      priority: ingressChainPriority,
      hook: 'ingress',
      devices: ingress,
    })
  let id = 0
  const nextId = () => ++id
  for (const scope of scopes) writeScope(writer, scope, ingress.length > 0, nextId)
}

function writeScope(writer: NftWriter, scope: Scope, hasIngress: boolean, nextId: () => number): void {
  writer.newCounter(counterName(scope.jail))
  if (hasVerdictChain(scope)) writeVerdictChain(writer, scope)
  const chains = hasIngress && isForIngress(scope) ? [ingressChainName, chainName] : [chainName]
  for (const kind of setKinds) {
    const set = setOf(kind, scope, nextId())
    writer.newSet(set)
    for (const chain of chains) writeRules(writer, { chain, scope, kind, set, nextId })
  }
}

/** What all packets in a jail's sets meet that has more to say than one verdict. */
function writeVerdictChain(writer: NftWriter, scope: Scope): void {
  const name = verdictChainName(scope.jail)
  writer.newChain(name)
  writer.flushChain(name)
  const { log: rate } = scope
  if (rate !== undefined)
    writer.newRule(name, 'the log', (out) => {
      limit(out, rate)
      log(out, logPrefix(scope.jail))
    })
  const rejection = rejectionOf(scope)
  if (rejection === 'tcp-reset')
    writer.newRule(name, 'resets', (out) => {
      meta(out, 'l4proto')
      cmp(out, Uint8Array.of(protocolNumbers.tcp))
      reject(out, rejection)
    })
  writer.newRule(name, 'the verdict', (out) => writeVerdict(out, rejection))
}

function writeVerdict(out: MessageWriter, rejection: RejectWith | undefined): void {
  if (rejection === undefined) drop(out)
  else reject(out, rejection === 'tcp-reset' ? 'port-unreachable' : rejection)
}

interface Rules {
  chain: string
  scope: Scope
  kind: SetKind
  set: SetDefinition
  nextId: () => number
}

function writeRules(writer: NftWriter, rules: Rules): void {
  const { ports, protocols } = rules.scope
  if (ports === 'all') writeRule(writer, rules)
  else for (const protocol of new Set(protocols)) writePortRule(writer, rules, { ports, protocol })
}

/** The set of a kind for a jail. `id` only matters inside the transaction. */
function setOf(kind: SetKind, { jail, isCounted = true }: Scope, id: number): SetDefinition {
  const family = familyOf(kind)
  return {
    name: setName(kind, jail),
    flags: NFT_SET_TIMEOUT | (isInterval(kind) ? NFT_SET_INTERVAL : 0),
    keyType: family === 4 ? 'ipv4_addr' : 'ipv6_addr',
    keyBytes: family === 4 ? 4 : 16,
    id,
    counted: isInterval(kind) || isCounted,
  }
}

type Ports = { ports: readonly PortRange[]; protocol: Scope['protocols'][number] }

function writePortRule(writer: NftWriter, rules: Rules, { ports, protocol }: Ports): void {
  const ranges = joinedPorts(ports)
  const [only] = ranges
  const several = ranges.length > 1 ? writePortSet(writer, ranges, rules.nextId()) : undefined
  writeRule(writer, rules, () => {
    meta(writer.out, 'l4proto')
    cmp(writer.out, Uint8Array.of(protocolNumbers[protocol]))
    payload(writer.out, { base: 'transport', offset: 2, bytes: 2 })
    if (several !== undefined) lookup(writer.out, several)
    else if (only !== undefined && only.first === only.last) cmp(writer.out, port(only.first))
    else if (only !== undefined) range(writer.out, port(only.first), port(only.last))
  })
}

/** The address is looked up last, and once, because the element's counter counts what is found: only what is then kept out. */
function writeRule(writer: NftWriter, { chain, scope, kind, set }: Rules, portMatch: () => void = () => {}): void {
  const isV4 = familyOf(kind) === 4
  writer.newRule(chain, set.name, (out) => {
    meta(out, 'nfproto')
    cmp(out, Uint8Array.of(isV4 ? NFPROTO_IPV4 : NFPROTO_IPV6))
    portMatch()
    payload(out, isV4 ? { base: 'network', offset: 12, bytes: 4 } : { base: 'network', offset: 8, bytes: 16 })
    lookup(out, set)
    countIn(out, counterName(scope.jail))
    if (hasVerdictChain(scope)) goto(out, verdictChainName(scope.jail))
    else writeVerdict(out, rejectionOf(scope))
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
