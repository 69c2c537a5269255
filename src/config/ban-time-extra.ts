import type { BanTimeIncrement } from '../jail/jail-spec.js'
import { parseDurationMs } from './duration.js'
import { asBool, asInt } from './value.js'

/** The `bantime.*` options of a jail as written, without the word before the dot. Also what has no effect, for `get`. */
export type BanTimeExtra = Readonly<Record<string, string>>

export const banTimeExtraNames = [
  'increment',
  'factor',
  'formula',
  'multipliers',
  'maxtime',
  'rndtime',
  'overalljails',
] as const

/** Flags of the files have one spelling, that of a stream, so that equal settings are equal. */
export function normalExtra(name: string, text: string): string {
  return name === 'increment' || name === 'overalljails' ? (asBool(text) ? 'True' : 'False') : text
}

/** What they ask for; undefined: `increment` is off. */
export function incrementFrom(extra: BanTimeExtra): BanTimeIncrement | { wrong: string } | undefined {
  if (!asBool(extra.increment ?? '')) return undefined
  const maxTimeMs = extra.maxtime === undefined ? undefined : parseDurationMs(extra.maxtime)
  const rndTimeMs = extra.rndtime === undefined ? undefined : parseDurationMs(extra.rndtime)
  if (extra.maxtime !== undefined && maxTimeMs === undefined) return { wrong: `'${extra.maxtime}' is not a time` }
  if (extra.rndtime !== undefined && rndTimeMs === undefined) return { wrong: `'${extra.rndtime}' is not a time` }
  const multipliers = extra.multipliers?.trim().split(/\s+/).map(asInt)
  const numbers = multipliers?.filter((number) => number !== undefined)
  if (numbers?.length !== multipliers?.length) return { wrong: `'${extra.multipliers}' is not a list of whole numbers` }
  return {
    overalljails: asBool(extra.overalljails ?? ''),
    ...(extra.factor !== undefined && { factor: extra.factor }),
    ...(extra.formula !== undefined && { formula: extra.formula }),
    ...(numbers && { multipliers: numbers }),
    ...(maxTimeMs !== undefined && { maxTimeMs }),
    ...(rndTimeMs !== undefined && { rndTimeMs }),
  }
}
