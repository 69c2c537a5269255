import type { Drops, PortRange, RejectWith, Scope } from '../domain/enforcer.js'
import { chainName, ipsetName, isOurs, jailChainName } from './ipset-layout.js'
import { hasVerdictChain, joinedPorts, logPrefix, rejectionOf, type SetKind } from './layout.js'

/**
 * Drops are in `raw`, before connection tracking and routing, so that what is forwarded is covered too. Rejections are in `filter`,
 * because the target REJECT works nowhere else (iptables-extensions(8)). NOTE: there a forwarded packet already has the container's
 * port, not the one that it was sent to.
 */
export const tables = ['raw', 'filter'] as const
export type Table = (typeof tables)[number]
const hooks: Record<Table, readonly string[]> = { raw: ['PREROUTING'], filter: ['INPUT', 'FORWARD'] }

/** The match `multiport` takes so many ports, and a range is two. */
const portsMax = 15
/** The target LOG takes so many characters. */
const logPrefixCharsMax = 29
/** The match `limit` knows no higher rate (XT_LIMIT_SCALE). */
const packetsPerSecondMax = 10_000
const secondsIn = { second: 1, minute: 60, hour: 3_600, day: 86_400 } as const

/**
 * What makes one table of one family ours, as input for `iptables-restore --noflush`, which does it as a whole; undefined when nothing
 * is to be done. `saved` is what iptables-save says of that table.
 */
export function rulesText(table: Table, family: 4 | 6, scopes: readonly Scope[], saved: string): string | undefined {
  const wanted = scopes.filter((scope) => (rejectionOf(scope) === undefined ? 'raw' : 'filter') === table)
  const found = [...saved.matchAll(/^:(\S+) /gm)].map(([, name]) => name ?? '').filter(isOurs)
  const isWanted = wanted.length > 0 || (table === 'raw' && scopes.length > 0)
  if (!isWanted && found.length === 0) return undefined
  const kept = isWanted ? [chainName, ...wanted.filter(hasVerdictChain).map(({ jail }) => jailChainName(jail))] : []
  const gone = found.filter((name) => !kept.includes(name))
  return `${[
    `*${table}`,
    // A chain that is declared is made, or emptied.
    ...[...kept, ...gone].map((name) => `:${name} - [0:0]`),
    ...hooks[table].flatMap((hook) => jumpLines(hook, isWanted, saved)),
    ...wanted.flatMap((scope) => [...jailChainLines(family, scope), ...matchLines(family, scope)]),
    ...gone.map((name) => `-X ${name}`),
    'COMMIT',
  ].join('\n')}\n`
}

/** What our rules have met, by set: lines of `iptables-save -c`. */
export function dropsBySet(saved: string): Map<string, Drops> {
  const drops = new Map<string, Drops>()
  for (const [, packets, bytes, set] of saved.matchAll(/^\[(\d+):(\d+)\] -A tocsin .*--match-set (\S+) src -j /gm)) {
    const before = drops.get(set ?? '') ?? { packets: 0, bytes: 0 }
    drops.set(set ?? '', { packets: before.packets + Number(packets), bytes: before.bytes + Number(bytes) })
  }
  return drops
}

/** Ours comes first: whoever accepts before it would let in who is banned. */
function jumpLines(hook: string, isWanted: boolean, saved: string): string[] {
  const rules = saved.split('\n').filter((line) => line.startsWith(`-A ${hook} `))
  const ours = rules.filter((line) => line === `-A ${hook} -j ${chainName}`)
  if (isWanted && ours.length === 1 && rules[0] === ours[0]) return []
  return [...ours.map(() => `-D ${hook} -j ${chainName}`), ...(isWanted ? [`-I ${hook} 1 -j ${chainName}`] : [])]
}

function jailChainLines(family: 4 | 6, scope: Scope): string[] {
  if (!hasVerdictChain(scope)) return []
  const { jail, log } = scope
  const rule = `-A ${jailChainName(jail)}`
  const rejection = rejectionOf(scope)
  const lines: string[] = []
  if (log !== undefined) {
    const prefix = logPrefix(jail.slice(0, logPrefixCharsMax - 'tocsin : '.length))
    const packets = Math.min(log.packets, packetsPerSecondMax * secondsIn[log.per])
    lines.push(`${rule} -m limit --limit ${packets}/${log.per} -j LOG --log-prefix "${prefix}"`)
  }
  if (rejection === 'tcp-reset') lines.push(`${rule} -p tcp -j REJECT --reject-with tcp-reset`)
  return [...lines, `${rule} ${targetOf(rejection, family)}`]
}

/** One for each set and each list of ports. The set is asked last, because it counts whom it finds. */
function matchLines(family: 4 | 6, scope: Scope): string[] {
  const target = hasVerdictChain(scope) ? `-j ${jailChainName(scope.jail)}` : targetOf(rejectionOf(scope), family)
  const kinds: SetKind[] = [`v${family}`, `net${family}`]
  return kinds.flatMap((kind) =>
    portMatches(scope).map(
      (ports) => `-A ${chainName} ${ports}-m set --match-set ${ipsetName(kind, scope.jail)} src ${target}`,
    ),
  )
}

function portMatches({ ports, protocols }: Scope): string[] {
  if (ports === 'all') return ['']
  const lists = portLists(joinedPorts(ports))
  return [...new Set(protocols)].flatMap((protocol) =>
    lists.map((list) => `-p ${protocol} -m multiport --dports ${list} `),
  )
}

function portLists(ranges: readonly PortRange[]): string[] {
  const lists: string[][] = []
  let room = 0
  for (const { first, last } of ranges) {
    const size = first === last ? 1 : 2
    if (room < size) {
      lists.push([])
      room = portsMax
    }
    lists.at(-1)?.push(first === last ? `${first}` : `${first}:${last}`)
    room -= size
  }
  return lists.map((list) => list.join(','))
}

function targetOf(rejection: RejectWith | undefined, family: 4 | 6): string {
  if (rejection === undefined) return '-j DROP'
  return `-j REJECT --reject-with ${answers[family][rejection === 'tcp-reset' ? 'port-unreachable' : rejection]}`
}

const answers = {
  4: {
    'no-route': 'icmp-net-unreachable',
    'port-unreachable': 'icmp-port-unreachable',
    'host-unreachable': 'icmp-host-unreachable',
    'admin-prohibited': 'icmp-admin-prohibited',
  },
  6: {
    'no-route': 'icmp6-no-route',
    'port-unreachable': 'icmp6-port-unreachable',
    'host-unreachable': 'icmp6-addr-unreachable',
    'admin-prohibited': 'icmp6-adm-prohibited',
  },
} as const
