import type { Level } from '../fleet/member.js'
import type { Limits } from '../fleet/trust/limits.js'
import { parseDurationMs } from './duration.js'
import { nearest } from './nearest.js'
import { isWrongValue, type WrongValue } from './own-jail-options.js'
import type { Kind } from './setting-kinds.js'
import { linesOf } from './traced.js'

/** What is said of how far somebody is believed; the rest is as by default. */
export type SaidLimits = Partial<Limits>

const levelNames = { operator: 0, own: 0, partner: 0, feed: 0, anonymous: 0 } satisfies Record<Level, 0>

/** `LEVEL rate=60 bans=20000 …`, a line for each level. */
export function levelLimits(): Kind<Readonly<Partial<Record<Level, SaidLimits>>>> {
  return limits((name) => {
    if (Object.hasOwn(levelNames, name)) return undefined
    const meant = nearest(name, Object.keys(levelNames))
    const levels = Object.keys(levelNames).join(', ')
    return {
      wrong: `begins with "${name}", no level`,
      hint: meant ? `did you mean "${meant}"?` : `a line is one of ${levels}, and its limits`,
    }
  })
}

/** The same for members by their names. */
export function memberLimits(): Kind<Readonly<Record<string, SaidLimits>>> {
  return limits((name) =>
    /^[a-z0-9-]{1,32}$/.test(name)
      ? undefined
      : { wrong: `begins with "${name}", no name of a member`, hint: 'a line is a name, as web7, and its limits' },
  )
}

function limits(objection: (name: string) => WrongValue | undefined): Kind<Readonly<Record<string, SaidLimits>>> {
  return {
    byDefault: {},
    read(value) {
      const said: [string, SaidLimits][] = []
      for (const { value: line, origin } of linesOf(value)) {
        const [name = '', ...words] = line.trim().split(/[\s,]+/)
        const read = objection(name) ?? limitsIn(words)
        if (isWrongValue(read)) return { ...read, origin }
        said.push([name, read])
      }
      return Object.fromEntries(said)
    },
  }
}

function limitsIn(words: readonly string[]): SaidLimits | WrongValue {
  const said: SaidLimits = {}
  for (const word of words) {
    const [, key = word, text = ''] = /^([^=]*)=(.*)$/.exec(word) ?? []
    const parse = Object.hasOwn(keys, key) ? keys[key as keyof typeof keys] : undefined
    if (parse === undefined) return unknownKey(word, key)
    const part = parse(text)
    if (part === undefined) return { wrong: `has "${word}"`, hint: `write ${examples[key as keyof typeof keys]}` }
    Object.assign(said, part)
  }
  return words.length > 0 ? said : { wrong: 'has a line without a limit', hint: `write ${examples.rate}` }
}

/** New bans at once, for each that may come in a minute. */
const burstMinutes = 5

const keys = {
  rate: (text: string) => numberIn(text, 1, 1_000_000, (rate) => ({ perMinute: rate, burst: rate * burstMinutes })),
  bans: (text: string) => numberIn(text, 0, 10_000_000, (bans) => ({ populationMax: bans })),
  prefix4: (text: string) => numberIn(text, 8, 32, (bits) => ({ prefix4Min: bits })),
  prefix6: (text: string) => numberIn(text, 16, 128, (bits) => ({ prefix6Min: bits })),
  bantime(text: string): SaidLimits | undefined {
    if (text === 'off' || text === '-1') return { durationMsMax: Number.POSITIVE_INFINITY }
    const ms = parseDurationMs(text)
    return ms !== undefined && ms > 0 ? { durationMsMax: ms } : undefined
  },
}

const examples: Record<keyof typeof keys, string> = {
  rate: 'new bans a minute, as rate=60',
  bans: 'bans at a time, as bans=20000',
  prefix4: 'bits from 8 to 32, as prefix4=24',
  prefix6: 'bits from 16 to 128, as prefix6=48',
  bantime: 'a duration, as bantime=7d, or bantime=off',
}

function unknownKey(word: string, key: string): WrongValue {
  const meant = nearest(key, Object.keys(keys))
  const hint = meant ? `did you mean "${meant}="?` : `there are ${Object.values(examples).join('; ')}`
  return { wrong: `has "${word}", no limit`, hint }
}

function numberIn<T>(text: string, min: number, max: number, made: (value: number) => T): T | undefined {
  const value = /^\/?\d{1,8}$/.test(text) ? Number(text.replace('/', '')) : Number.NaN
  return value >= min && value <= max ? made(value) : undefined
}
