import type { BanTimeIncrement, JailSpec } from '../jail/jail-spec.js'
import type { JailValues } from './jail-values.js'
import { wordsOf } from './traced.js'
import { asInt } from './value.js'

/** How the jail counts and bans, with Fail2ban's defaults. */
export function jailSpec(name: string, values: JailValues): JailSpec {
  const banTimeMs = values.durationMs('bantime')
  const ignorecommand = values.text('ignorecommand')
  const ignorecache = values.text('ignorecache')
  const increment = values.flag('bantime.increment') ? incrementOf(values) : undefined
  return {
    name,
    maxretry: values.count('maxretry', 3, 0),
    findTimeMs: values.durationMs('findtime') ?? 600_000,
    banTimeMs: banTimeMs === undefined ? 600_000 : banTimeOf(banTimeMs),
    maxmatches: values.count('maxmatches', 5, 0),
    ignoreip: wordsOf(values.written('ignoreip') ?? { text: '', marks: [] }),
    ignoreself: values.flag('ignoreself') ?? true,
    ...(ignorecommand !== undefined && { ignorecommand }),
    ...(ignorecache !== undefined && { ignorecache }),
    ...(increment && { increment }),
  }
}

/** Whole seconds; exactly -1 is permanent (spec 1.10). */
export function banTimeOf(ms: number): number | undefined {
  const wholeMs = Math.trunc(ms / 1000) * 1000
  return wholeMs === -1000 ? undefined : wholeMs
}

function incrementOf(values: JailValues): BanTimeIncrement {
  const factor = values.text('bantime.factor')
  const formula = values.text('bantime.formula')
  const multipliers = multipliersOf(values)
  const maxTimeMs = values.text('bantime.maxtime') === undefined ? undefined : values.durationMs('bantime.maxtime')
  const rndTimeMs = values.text('bantime.rndtime') === undefined ? undefined : values.durationMs('bantime.rndtime')
  return {
    ...(factor !== undefined && { factor }),
    ...(formula !== undefined && { formula }),
    ...(multipliers && { multipliers }),
    ...(maxTimeMs !== undefined && { maxTimeMs }),
    ...(rndTimeMs !== undefined && { rndTimeMs }),
    overalljails: values.flag('bantime.overalljails') ?? false,
  }
}

/** Fail2ban wants single blanks; more of them are no reason to refuse. */
function multipliersOf(values: JailValues): number[] | undefined {
  const text = values.text('bantime.multipliers')
  if (text === undefined) return undefined
  const numbers = text.trim().split(/\s+/).map(asInt)
  if (numbers.every((number) => number !== undefined)) return numbers
  values.wrong('bantime.multipliers', 'is not a list of whole numbers', 'write 1 2 4 8 16, for example')
  return undefined
}
