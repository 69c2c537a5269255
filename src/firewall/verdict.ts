import type { RejectWith, Scope } from '../domain/enforcer.js'

/**
 * Reads what a stock action does with packets: `DROP`, `REJECT --reject-with tcp-reset` (iptables-extensions(8), for IPv6 too),
 * `reject with icmp type host-unreachable` (nft(8)), `reject type='icmp-port-unreachable'` (firewalld.richlanguage(5)).
 */
export function verdictOf(target: string): Pick<Scope, 'verdict' | 'rejectWith'> {
  if (!/^(?:counter )?reject/i.test(target)) return { verdict: 'drop' }
  const rejectWith = answerOf(target.toLowerCase())
  return { verdict: 'reject', ...(rejectWith && { rejectWith }) }
}

/** Undefined: the port is unreachable, as all of them say unless told otherwise. IPv4 and IPv6 get what is nearest to it. */
function answerOf(target: string): RejectWith | undefined {
  if (/\btcp[- ]re?se?t\b/.test(target)) return 'tcp-reset'
  if (/\b(?:net-unreach|net-unreachable|no-route)\b/.test(target)) return 'no-route'
  if (/\b(?:host|addr|address)-unreach(?:able)?\b/.test(target)) return 'host-unreachable'
  if (/prohib/.test(target)) return 'admin-prohibited'
  return icmpCodes[/\btype (\d+)/.exec(target)?.[1] ?? '']
}

/** nft takes numbers too; those of ICMP for IPv4 (RFC 792, RFC 1122). */
const icmpCodes: Readonly<Record<string, RejectWith>> = {
  '0': 'no-route',
  '1': 'host-unreachable',
  '9': 'admin-prohibited',
  '10': 'admin-prohibited',
  '13': 'admin-prohibited',
}
