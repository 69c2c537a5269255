import { nowhere } from '../domain/origin.js'
import type { JailSpec } from '../jail/jail-spec.js'
import { type BanTimeExtra, incrementFrom } from './ban-time-extra.js'
import type { JailValues } from './jail-values.js'
import { tracedOf, type Value } from './merged-ini.js'
import { isWrongValue, parseIpv6Prefix, parseSubnetRule, type WrongValue } from './own-jail-options.js'
import type { OwnSettings } from './own-settings.js'
import { originOf } from './traced.js'

/** How the jail counts and bans, with Fail2ban's defaults. */
export function jailSpec(name: string, values: JailValues, banTimeExtra: BanTimeExtra): JailSpec {
  const banTimeMs = values.durationMs('bantime')
  const findTimeMs = values.durationMs('findtime')
  warnOfNoEffect(values, findTimeMs, banTimeMs)
  const ignorecommand = values.written('ignorecommand')?.text
  const ignorecache = values.text('ignorecache')
  const increment = incrementFrom(banTimeExtra, (option, what, hint) => values.wrong(`bantime.${option}`, what, hint))
  return {
    name,
    maxretry: values.count('maxretry', 3, 0),
    findTimeMs: findTimeMs ?? 600_000,
    banTimeMs: banTimeMs === undefined ? 600_000 : banTimeOf(banTimeMs),
    maxmatches: values.count('maxmatches', 5, 0),
    ignoreip: values.words('ignoreip'),
    ignoreself: values.flag('ignoreself') ?? true,
    ...(ignorecommand !== undefined && { ignorecommand }),
    ...(ignorecache !== undefined && { ignorecache }),
    ...(increment && { increment }),
  }
}

/** Times that Fail2ban takes and with which nobody is ever banned. */
function warnOfNoEffect(values: JailValues, findTimeMs: number | undefined, banTimeMs: number | undefined): void {
  const findTime = values.written('findtime')
  if (findTime && findTimeMs !== undefined && findTimeMs < 1000)
    values.warn(
      `findtime "${findTime.text}" lets nothing count: every failure is older`,
      originOf(findTime),
      'write 10m',
    )
  const banTime = values.written('bantime')
  const lengthMs = banTimeMs === undefined ? undefined : banTimeOf(banTimeMs)
  if (banTime && lengthMs !== undefined && lengthMs < 1000)
    values.warn(
      `bantime "${banTime.text}" bans nobody: every ban is over at once`,
      originOf(banTime),
      'write 10m, or -1 for ever',
    )
}

/** What Fail2ban does not have: the jail's own word, else that of `[protect]` for all jails. */
export function ownCounting(
  values: JailValues,
  filterOptions: ReadonlyMap<string, Value>,
  protect: OwnSettings['protect'] | undefined,
): Pick<JailSpec, 'ipv6Prefix' | 'subnetEscalate' | 'successBy'> {
  const ipv6Prefix = ownOr(values, 'ipv6_prefix', parseIpv6Prefix, protect?.ipv6_prefix)
  const subnetEscalate = ownOr(values, 'subnet_escalate', parseSubnetRule, protect?.subnet_escalate)
  const successBy = tracedOf(filterOptions.get('successby'), nowhere)
  if (!['', 'ip', 'user'].includes(successBy.text))
    values.fail(`successby "${successBy.text}" is not known`, originOf(successBy), 'write ip or user')
  return {
    ...(ipv6Prefix !== undefined && { ipv6Prefix }),
    ...(subnetEscalate && { subnetEscalate }),
    ...(successBy.text === 'user' && { successBy: 'user' as const }),
  }
}

function ownOr<T>(
  values: JailValues,
  name: string,
  parse: (text: string) => T | undefined | WrongValue,
  forAll: T | undefined,
): T | undefined {
  const written = values.written(name)
  if (written === undefined) return forAll
  const value = parse(written.text)
  if (!isWrongValue(value)) return value
  values.wrong(name, value.wrong, value.hint)
  return undefined
}

/** Whole seconds; exactly -1 is permanent (spec 1.10). */
export function banTimeOf(ms: number): number | undefined {
  const wholeMs = Math.trunc(ms / 1000) * 1000
  return wholeMs === -1000 ? undefined : wholeMs
}
