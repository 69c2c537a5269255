import type { Ban } from '../domain/ban.js'
import type { Failure } from '../domain/failure.js'
import type { LogLevel } from '../lib/log.js'
import { localDateTime } from '../lib/log-writer.js'
import { type Formula, parseFormula } from './formula/formula.js'
import type { Value } from './formula/tokens.js'
import type { BanTimeIncrement, JailSpec } from './jail-spec.js'
import { shortDuration } from './short-duration.js'

/** What is on record of somebody who was banned before. */
export interface BanRecord {
  /** Bans so far. */
  count: number
  /** Begin of the last one, epoch milliseconds. */
  startMs: number
}

/** Asked for every failure in a jail with increments: it must be cheap. */
export interface BanHistory {
  /** Undefined jail: all jails together. */
  recordOf(id: string, jail: string | undefined): BanRecord | undefined
}

/** A ban that is longer than the jail's ban time because it is not the first one. */
export interface Lengthening {
  durationMs: number
  /** Bans so far, this one included. */
  count: number
  /** For the log, in this order, when the ban is told: module `observer`. */
  notes: readonly { level: LogLevel; text: string }[]
}

export interface BanTimesOptions {
  spec: Pick<JailSpec, 'name' | 'maxretry' | 'banTimeMs' | 'increment'>
  history: BanHistory
  /** In [0, 1). */
  random(): number
}

/** So much at most, a thousand years: what is longer cannot be printed as a date. */
const durationMsMax = 1000 * 365.25 * 86_400_000
/** `ban.Count` counts no further in the formula and the weight that Fail2ban has built in. */
const countMax = 20

/** What is wrong with the texts in `bantime.factor` and `bantime.formula`, a sentence each. */
export function incrementProblems(increment: BanTimeIncrement): string[] {
  const factor = factorOf(increment)
  const formula = formulaOf(increment)
  return ['problem' in factor ? factor.problem : [], 'problem' in formula ? formula.problem : []].flat()
}

/**
 * Ban times that grow with the number of bans (spec 5.5), and failures that weigh more for whoever was banned before. Decided at once,
 * when the ban begins; Fail2ban bans for the base time and prolongs later. Does nothing for a jail without `bantime.increment`.
 */
export class BanTimes {
  readonly #options: BanTimesOptions
  readonly #timeOf: TimeOf

  /** NOTE: a wrong formula, which `incrementProblems` tells of, leaves the base time. */
  constructor(options: BanTimesOptions) {
    this.#options = options
    this.#timeOf = timesOf(options)
  }

  /** How many failures this one counts for, at least 1; `note` continues in the log when it is more. */
  weigh({ id, timeMs }: Pick<Failure, 'id' | 'timeMs'>): { weight: number; note?: string } {
    const { spec, history } = this.#options
    const record = spec.increment && history.recordOf(id, spec.name)
    // A line from before the ban has already had its consequences.
    if (record === undefined || record.count < 1 || timeMs <= record.startMs) return { weight: 1 }
    const wanted = 2 ** Math.min(record.count, countMax) / 2 + 1
    const weight = Math.min(wanted, spec.maxretry)
    if (weight <= 1) return { weight: 1 }
    const said = weight < wanted ? `${weight}` : `${weight}.0`
    return { weight, note: `[${spec.name}] Found ${id}, bad - ${localDateTime(timeMs)}, ${record.count} # -> ${said}` }
  }

  /** Undefined: the first ban of this id, or one whose length is not the jail's own ban time. */
  next({ id, startMs, durationMs }: Pick<Ban, 'id' | 'startMs' | 'durationMs'>): Lengthening | undefined {
    const { spec, history } = this.#options
    const { increment, name } = spec
    if (increment === undefined || durationMs === undefined || durationMs <= 0 || durationMs !== spec.banTimeMs)
      return undefined
    const record = history.recordOf(id, increment.overalljails ? undefined : name)
    if (record === undefined) return undefined
    // Old lines are read again: it is the ban that is on record already.
    const isAgain = startMs <= record.startMs
    const before = isAgain ? record.count - 1 : record.count
    if (before < 1) return undefined
    const seconds = this.#timeOf(durationMs / 1000, before)
    const lengthenedMs = seconds === undefined ? durationMs : Math.min(Math.round(seconds) * 1000, durationMsMax)
    const count = before + 1
    if (isAgain) return { durationMs: lengthenedMs, count, notes: [] }
    return {
      durationMs: lengthenedMs,
      count,
      notes: this.#notes({ id, startMs, durationMs }, record, { lengthenedMs, count }),
    }
  }

  #notes(
    { id, startMs, durationMs }: { id: string; startMs: number; durationMs: number },
    record: BanRecord,
    { lengthenedMs, count }: { lengthenedMs: number; count: number },
  ): Lengthening['notes'] {
    const { name } = this.#options.spec
    const after = shortDuration(lengthenedMs)
    const last = `${record.count} # last ${localDateTime(record.startMs)}`
    const text = `[${name}] IP ${id} is bad: ${last} - incr ${shortDuration(durationMs)} to ${after}`
    const bad = { level: 'INFO', text } as const
    if (lengthenedMs === durationMs) return [bad]
    const end = localDateTime(startMs + lengthenedMs)
    return [bad, { level: 'NOTICE', text: `[${name}] Increase Ban ${id} (${count} # ${after} -> ${end})` }]
  }
}

/** Seconds after so many bans; undefined where the formula fails: the base time stays. */
type TimeOf = (baseSeconds: number, count: number) => number | undefined

function timesOf({ spec: { increment }, random }: BanTimesOptions): TimeOf {
  if (increment === undefined) return () => undefined
  const { multipliers, maxTimeMs, rndTimeMs = 0 } = increment
  const factor = factorOf(increment)
  const formula = formulaOf(increment)
  if ('problem' in factor || 'problem' in formula) return () => undefined
  return (base, count) => {
    const grown = multipliers?.length
      ? base * Number(factor.value) * (multipliers[Math.min(count, multipliers.length - 1)] ?? 1)
      : Math.max(
          base,
          asSeconds(formula.formula({ time: BigInt(base), count: BigInt(count), factor: factor.value, random })),
        )
    // Fail2ban would take a negative maximum for "permanent, from the second ban on".
    const capped = maxTimeMs !== undefined && maxTimeMs >= 0 ? Math.min(grown, maxTimeMs / 1000) : grown
    const seconds = capped + random() * (rndTimeMs / 1000)
    return Number.isFinite(seconds) && seconds > 0 ? seconds : undefined
  }
}

/** Not a number: where the formula fails. */
function asSeconds(value: number | bigint | undefined): number {
  return value === undefined ? Number.NaN : Number(value)
}

const formulaDefault = 'ban.Time * (1 << (ban.Count if ban.Count < 20 else 20)) * banFactor'

function formulaOf({ formula = formulaDefault }: BanTimeIncrement): { formula: Formula } | { problem: string } {
  const parsed = parseFormula(formula, { names: ['ban.Time', 'ban.Count', 'banFactor'] })
  return 'formula' in parsed ? parsed : { problem: problemText('bantime.formula', formula, parsed.problem) }
}

/** `banFactor` */
function factorOf({ factor = '1' }: BanTimeIncrement): { value: Value } | { problem: string } {
  const parsed = parseFormula(factor, { names: [] })
  if ('problem' in parsed) return { problem: problemText('bantime.factor', factor, parsed.problem) }
  const value = parsed.formula({ time: 0n, count: 0n, factor: 1n, random: () => 0 })
  return value === undefined
    ? { problem: `bantime.factor "${factor}" is a calculation that fails; write a number, 1 or 2.5` }
    : { value }
}

function problemText(option: string, text: string, { message, at }: { message: string; at: number }): string {
  return `${option} "${text}" is no formula: ${message} (character ${at + 1})`
}
