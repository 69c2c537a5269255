import type { Origin } from '../domain/origin.js'
import type { SubnetRule } from '../jail/jail-spec.js'
import { parseDurationMs } from './duration.js'
import type { Template } from './typed-options.js'

/**
 * Options of a jail that Fail2ban does not have; it takes them for variables, and they are in no command stream. `successregex` and `successby`
 * (filter-file.ts) are of that kind too.
 */
export const ownJailTemplate: Template = [
  ['text', 'ipv6_prefix'],
  ['text', 'subnet_escalate'],
  ['text', 'ignorejails'],
  ['int', 'minnodes'],
  ['int', 'minpernode'],
  ['text', 'jails'],
]

/** Backends of ours that read nothing: bans of this machine, words of the fleet. */
export function isWithoutLines(backend: string): boolean {
  return backend === 'bans' || backend === 'fleet'
}

/** What is wrong with a value, and what would be right. */
export interface WrongValue {
  wrong: string
  hint: string
  /** Of the line that is wrong; missing: where the value begins. */
  origin?: Origin
}

/** Bits of the IPv6 networks that count as one; undefined: `off`, every address for itself. */
export function parseIpv6Prefix(text: string): number | undefined | WrongValue {
  if (isOff(text)) return undefined
  const bits = /^\/?(\d{1,3})$/.exec(text)?.[1]
  // Shorter than what a provider gets, and with 0 the whole internet, would be one offender.
  if (bits === undefined || Number(bits) < 32 || Number(bits) > 128)
    return { wrong: 'is neither off nor a number of bits from 32 to 128', hint: 'write 64, or off' }
  return Number(bits) === 128 ? undefined : Number(bits)
}

/** `5 in 1h`, `5 in 1h for 1d`; undefined: `off`. */
export function parseSubnetRule(text: string): SubnetRule | undefined | WrongValue {
  if (isOff(text)) return undefined
  const hint = 'write 5 in 1h, 5 in 1h for 1d, or off'
  const [, count = '', within = '', forTime] = /^(\d{1,6})\s+in\s+(.+?)(?:\s+for\s+(.+))?$/.exec(text) ?? []
  const windowMs = parseDurationMs(within)
  const banTimeMs = forTime === undefined ? undefined : parseDurationMs(forTime)
  if (within === '') return { wrong: 'is no rule', hint }
  if (Number(count) < 2) return { wrong: 'would ban a network for one of its members', hint }
  if (windowMs === undefined || windowMs <= 0) return { wrong: `has no time behind "in": "${within}"`, hint }
  if (forTime !== undefined && (banTimeMs === undefined || banTimeMs <= 0))
    return { wrong: `has no time behind "for": "${forTime}"`, hint }
  return { count: Number(count), windowMs, ...(banTimeMs !== undefined && { banTimeMs }) }
}

export function isWrongValue(value: unknown): value is WrongValue {
  return typeof value === 'object' && value !== null && 'wrong' in value
}

function isOff(text: string): boolean {
  return ['', 'off', 'no', 'none', 'false', '0'].includes(text.toLowerCase())
}
