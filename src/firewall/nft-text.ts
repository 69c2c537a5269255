import type { Ip } from '../domain/address.js'
import type { PortRange, RejectWith, Scope } from '../domain/enforcer.js'
import { noStrangers, type Strangers } from './arrangement.js'
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
  kernelTimeoutMs,
  logPrefix,
  rejectionOf,
  type SetKind,
  setKinds,
  setName,
  tableName,
  verdictChainName,
} from './layout.js'

/** What the kernel enforcer says by netlink, in the language of nft(8). Set names hold nothing that nft would read otherwise. */
const table = `inet ${tableName}`

export interface ArrangementParts {
  scopes: readonly Scope[]
  /** Interfaces with a chain at ingress; all must exist. */
  ingress?: readonly string[]
  /** To remove first. */
  strangers?: Strangers
}

/** Everything but the elements. One script is one transaction. */
export function arrangementText({ scopes, ingress = [], strangers = noStrangers }: ArrangementParts): string {
  const lines = [
    `add table ${table}`,
    `add chain ${table} ${chainName} { type filter hook prerouting priority ${chainPriority}; policy accept; }`,
    `flush chain ${table} ${chainName}`,
    ...strangers.chains.flatMap((name) => [`flush chain ${table} ${name}`]),
    ...strangers.chains.map((name) => `delete chain ${table} ${name}`),
    ...strangers.sets.map((name) => `delete set ${table} ${name}`),
    ...strangers.counters.map((name) => `delete counter ${table} ${name}`),
  ]
  if (ingress.length > 0) lines.push(ingressText(ingress))
  for (const scope of scopes) {
    lines.push(`add counter ${table} ${counterName(scope.jail)}`, ...verdictChainTexts(scope))
    const chains = ingress.length > 0 && isForIngress(scope) ? [ingressChainName, chainName] : [chainName]
    for (const kind of setKinds)
      lines.push(setText(kind, scope.jail), ...chains.flatMap((chain) => ruleTexts(chain, kind, scope)))
  }
  return `${lines.join('\n')}\n`
}

/** Removes the table; it is made first, because removing what is not there fails. */
export const clearText = `add table ${table}\ndelete table ${table}\n`

export interface NftElement {
  ip: Ip
  remainingMs?: number | undefined
}

/** Puts elements in, with their new ends where they are there already, or takes them out. Empty without elements. */
export function elementsText(
  set: string,
  { remove, add }: { remove: readonly NftElement[]; add: readonly NftElement[] },
): string {
  // Deleting what is absent fails, and adding what is there keeps its old end: so each is added, deleted, and added.
  const gone = remove.map(({ ip }) => ip.text)
  const bare = add.map(({ ip }) => ip.text)
  const timed = add.map(({ ip, remainingMs }) => `${ip.text}${timeoutText(remainingMs)}`)
  const steps = [
    // What goes may overlap what comes, so it is gone first.
    statement('add', set, gone),
    statement('delete', set, gone),
    statement('add', set, bare),
    statement('delete', set, bare),
    statement('add', set, timed),
  ]
  return steps.join('')
}

/**
 * Makes the elements of an interval set exactly these. NOTE: nft 1.0.6 looks for overlaps as if nothing had been deleted before in the
 * same script, so networks that take the place of overlapping ones need the whole set written anew.
 */
export function rewriteText(set: string, elements: readonly NftElement[]): string {
  const timed = elements.map(({ ip, remainingMs }) => `${ip.text}${timeoutText(remainingMs)}`)
  return `flush set ${table} ${set}\n${statement('add', set, timed)}`
}

function setText(kind: SetKind, jail: string): string {
  const flags = isInterval(kind) ? 'interval,timeout' : 'timeout'
  const type = familyOf(kind) === 4 ? 'ipv4_addr' : 'ipv6_addr'
  return `add set ${table} ${setName(kind, jail)} { type ${type}; flags ${flags}; counter; }`
}

function ingressText(devices: readonly string[]): string {
  const names = devices.map((name) => `"${name}"`)
  const list = names.length === 1 ? `device ${names[0]}` : `devices = { ${names.join(', ')} }`
  return `add chain ${table} ${ingressChainName} { type filter hook ingress ${list} priority ${ingressChainPriority}; policy accept; }`
}

function verdictChainTexts(scope: Scope): string[] {
  if (!hasVerdictChain(scope)) return []
  const { jail, log } = scope
  const name = `${table} ${verdictChainName(jail)}`
  const rejection = rejectionOf(scope)
  const lines = [`add chain ${name}`, `flush chain ${name}`]
  if (log !== undefined)
    lines.push(`add rule ${name} limit rate ${log.packets}/${log.per} log prefix "${logPrefix(jail)}"`)
  if (rejection === 'tcp-reset') lines.push(`add rule ${name} meta l4proto tcp reject with tcp reset`)
  return [...lines, `add rule ${name} ${verdictText(rejection)}`]
}

function verdictText(rejection: RejectWith | undefined): string {
  if (rejection === undefined) return 'drop'
  return `reject with icmpx type ${rejection === 'tcp-reset' ? 'port-unreachable' : rejection}`
}

function ruleTexts(chain: string, kind: SetKind, scope: Scope): string[] {
  const isV4 = familyOf(kind) === 4
  const verdict = hasVerdictChain(scope) ? `goto ${verdictChainName(scope.jail)}` : verdictText(rejectionOf(scope))
  const source = `${isV4 ? 'ip' : 'ip6'} saddr @${setName(kind, scope.jail)} counter name "${counterName(scope.jail)}" ${verdict}`
  const rule = (match: string) => `add rule ${table} ${chain} meta nfproto ${isV4 ? 'ipv4' : 'ipv6'} ${match}${source}`
  if (scope.ports === 'all') return [rule('')]
  const ports = joinedPorts(scope.ports).map(portText).join(', ')
  return [...new Set(scope.protocols)].map((protocol) => rule(`meta l4proto ${protocol} th dport { ${ports} } `))
}

function portText({ first, last }: PortRange): string {
  return first === last ? `${first}` : `${first}-${last}`
}

/** In days and smaller units: nft takes no number of more than eight digits. */
function timeoutText(remainingMs: number | undefined): string {
  const timeoutMs = kernelTimeoutMs(remainingMs)
  if (timeoutMs === 0) return ''
  const seconds = Math.floor(timeoutMs / 1000)
  const days = Math.floor(seconds / 86_400)
  return ` timeout ${days}d${seconds % 86_400}s${timeoutMs % 1000}ms`
}

function statement(verb: 'add' | 'delete', set: string, elements: readonly string[]): string {
  return elements.length === 0 ? '' : `${verb} element ${table} ${set} { ${elements.join(', ')} }\n`
}
