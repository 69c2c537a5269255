import type { Ip } from '../domain/address.js'
import type { PortRange, Scope } from '../domain/enforcer.js'
import {
  chainName,
  chainPriority,
  familyOf,
  isInterval,
  joinedPorts,
  kernelTimeoutMs,
  type SetKind,
  setKinds,
  setName,
  tableName,
} from './layout.js'

/** What the kernel enforcer says by netlink, in the language of nft(8). Set names hold nothing that nft would read otherwise. */
const table = `inet ${tableName}`

/** Everything but the elements; `strangers` are sets to remove. One script is one transaction. */
export function arrangementText(scopes: readonly Scope[], strangers: readonly string[]): string {
  const lines = [
    `add table ${table}`,
    `add chain ${table} ${chainName} { type filter hook prerouting priority ${chainPriority}; policy accept; }`,
    `flush chain ${table} ${chainName}`,
    ...strangers.map((name) => `delete set ${table} ${name}`),
  ]
  for (const scope of scopes)
    for (const kind of setKinds) lines.push(setText(kind, scope.jail), ...ruleTexts(kind, scope))
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

function ruleTexts(kind: SetKind, scope: Scope): string[] {
  const isV4 = familyOf(kind) === 4
  const source = `${isV4 ? 'ip' : 'ip6'} saddr @${setName(kind, scope.jail)} drop`
  const rule = (match: string) =>
    `add rule ${table} ${chainName} meta nfproto ${isV4 ? 'ipv4' : 'ipv6'} ${match}${source}`
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
