import type { BanTimeIncrement } from '../jail/jail-spec.js'
import { parseDurationMs, timeHint } from './duration.js'
import type { JailValues } from './jail-values.js'
import { asBool, asInt } from './value.js'

/** The `bantime.*` options of a jail as written, without the word before the dot. Also what has no effect, for `get`. */
export type BanTimeExtra = Readonly<Record<string, string>>

const banTimeExtraNames = [
  'increment',
  'factor',
  'formula',
  'multipliers',
  'maxtime',
  'rndtime',
  'overalljails',
] as const

/** Those of a jail in the files. Flags have one spelling, that of a stream, so that equal settings are equal. */
export function banTimeExtraOf(values: JailValues): BanTimeExtra {
  const entries = banTimeExtraNames.flatMap((name) => {
    const text = values.text(`bantime.${name}`)
    return text === undefined ? [] : [[name, normal(name, text)]]
  })
  return Object.fromEntries(entries)
}

function normal(name: string, text: string): string {
  return name === 'increment' || name === 'overalljails' ? (asBool(text) ? 'True' : 'False') : text
}

/** What they ask for, each option that is wrong being complained of; undefined: `increment` is off. */
export function incrementFrom(
  extra: BanTimeExtra,
  complain: (option: string, what: string, hint: string) => void,
): BanTimeIncrement | undefined {
  if (!asBool(extra.increment ?? '')) return undefined
  const timeMs = (option: 'maxtime' | 'rndtime') => {
    const text = extra[option]
    const ms = text === undefined ? undefined : parseDurationMs(text)
    if (text !== undefined && ms === undefined) complain(option, 'is not a time', timeHint)
    return ms
  }
  // Fail2ban wants single blanks; more of them are no reason to refuse.
  const multipliers = extra.multipliers?.trim().split(/\s+/).map(asInt)
  const numbers = multipliers?.filter((number) => number !== undefined)
  if (numbers?.length !== multipliers?.length)
    complain('multipliers', 'is not a list of whole numbers', 'write 1 2 4 8 16, for example')
  const [maxTimeMs, rndTimeMs] = [timeMs('maxtime'), timeMs('rndtime')]
  return {
    overalljails: asBool(extra.overalljails ?? ''),
    ...(extra.factor !== undefined && { factor: extra.factor }),
    ...(extra.formula !== undefined && { formula: extra.formula }),
    ...(numbers && { multipliers: numbers }),
    ...(maxTimeMs !== undefined && { maxTimeMs }),
    ...(rndTimeMs !== undefined && { rndTimeMs }),
  }
}
