import type { Log } from '../lib/log.js'
import type { CurrentLine } from './current-line.js'
import type { LineDates } from './line-dates.js'

const minuteMs = 60_000
const dayMs = 86_400_000

/** Decides which time a line gets, and whether it is looked at at all (spec section 3.1, steps 1 to 3). */
export class TimeRules {
  /** Whether the date is cut out of the present line. */
  isCut = false
  /** Epoch milliseconds of the last date read; undefined: none yet. */
  #lastMs: number | undefined
  readonly #jail: string
  readonly #findTimeMs: number
  readonly #log: Log
  /** When each kind of warning may be given again. */
  readonly #nextWarningMs = { odd: 0, old: 0, undated: 0 }

  constructor(options: { jail: string; findTimeMs: number; log: Log }) {
    this.#jail = options.jail
    this.#findTimeMs = options.findTimeMs
    this.#log = options.log
  }

  /**
   * Sets the line's time: its date, or the last one known, or now where that is allowed; and whether the date is cut out. False: Fail2ban
   * drops such a line.
   */
  assign(line: CurrentLine, dates: LineDates, nowMs: number, mayBeNow: boolean): boolean {
    const hasLast = this.#lastMs !== undefined && this.#lastMs > nowMs - minuteMs
    this.isCut = dates.outcome !== 'none'
    line.isDated = dates.outcome === 'dated' || dates.outcome === 'empty'
    if (dates.outcome === 'broken') return false
    if (dates.outcome === 'dated') {
      line.timeMs = dates.timeMs
      this.#lastMs = dates.timeMs
      return true
    }
    // The last date stands in for a missing one, and then nothing is cut out of the line.
    if (hasLast) this.isCut = false
    line.timeMs = hasLast ? this.#lastMs : dates.outcome === 'empty' || mayBeNow ? nowMs : undefined
    return true
  }

  /** The date of a line that nothing else is asked about. */
  noteDate(timeMs: number, { nowMs, live }: { nowMs: number; live: boolean }): void {
    this.#lastMs = live && Math.abs(Math.trunc((timeMs - nowMs) / 1000)) > 60 ? nowMs : timeMs
  }

  /** A line whose time is known from elsewhere. */
  assignKnown(line: CurrentLine, timeMs: number): void {
    this.isCut = false
    line.isDated = true
    line.timeMs = timeMs
    this.#lastMs = timeMs
  }

  /** Whether a line of that time is looked at; sets an unbelievable time to now. */
  accept(line: CurrentLine, { nowMs, live }: { nowMs: number; live: boolean }): boolean {
    if (line.timeMs === undefined) return true
    return live ? this.#acceptLive(line, line.timeMs, nowMs) : this.#acceptInitial(line, line.timeMs, nowMs)
  }

  /** Says once a day that a pattern matched a line without a date; true: the line counts, for it has a time all the same. */
  warnUndated(line: string, nowMs: number, hasTime: boolean): boolean {
    this.#warn('undated', nowMs, [
      "Found a match but no valid date/time found for ''.",
      `Match without a timestamp: ${line}`,
      'Please try setting a custom date pattern (see man page jail.conf(5)).',
    ])
    return hasTime
  }

  /** A line that is written now is of now; an odd date is not believed. */
  #acceptLive(line: CurrentLine, timeMs: number, nowMs: number): boolean {
    const deltaSeconds = Math.trunc((timeMs - nowMs) / 1000)
    if (Math.abs(deltaSeconds) <= 60) return true
    const side = deltaSeconds < 0 ? 'before' : 'after'
    const problem = deltaSeconds < 0 && deltaSeconds >= -3300 ? 'latency' : 'timezone'
    if (nowMs >= this.#nextWarningMs.odd) {
      this.#warn('odd', nowMs, [
        `Detected a log entry ${spelled(Math.abs(deltaSeconds))} ${side} the current time in operation mode. This looks like a ${problem} problem. Treating such entries as if they just happened.`,
        `Please check a jail for a timing issue. Line with odd timestamp: ${line.full()}`,
      ])
    }
    line.timeMs = nowMs
    this.#lastMs = nowMs
    return true
  }

  /** What is read again from before the find time does not count any more. */
  #acceptInitial(line: CurrentLine, timeMs: number, nowMs: number): boolean {
    if (timeMs >= nowMs - this.#findTimeMs) return true
    if (nowMs >= this.#nextWarningMs.old) {
      this.#warn('old', nowMs, [
        `Ignoring all log entries older than ${this.#findTimeMs / 1000}s; these are probably messages generated while fail2ban was not running.`,
        `Please check a jail for a timing issue. Line with odd timestamp: ${line.full()}`,
      ])
    }
    return false
  }

  #warn(kind: 'odd' | 'old' | 'undated', nowMs: number, texts: readonly string[]): void {
    if (nowMs < this.#nextWarningMs[kind]) return
    this.#nextWarningMs[kind] = nowMs + dayMs
    for (const text of texts) this.#log.write('WARNING', 'filter', `[${this.#jail}] ${text}`)
  }
}

/** Seconds as Fail2ban spells them, the coarser the longer: `1y 3w 4d`, `2d 7h 15m`, `1h 30m`, `59s`. */
function spelled(seconds: number): string {
  if (seconds >= 31_536_000) return inUnits(Math.round(seconds / 86_400), { y: 365, w: 7, d: 1 })
  if (seconds >= 604_800) return inUnits(Math.round(seconds / 3600), { w: 168, d: 24, h: 1 })
  if (seconds >= 86_400) return inUnits(Math.round(seconds / 60), { d: 1440, h: 60, m: 1 })
  // Up to 5 seconds less are an hour too.
  if (seconds >= 3595) return inUnits(Math.floor(Math.round(seconds / 10) / 6), { h: 60, m: 1 })
  return inUnits(seconds, { m: 60, s: 1 })
}

function inUnits(count: number, units: Readonly<Record<string, number>>): string {
  const parts: string[] = []
  let left = count
  for (const [unit, size] of Object.entries(units)) {
    const whole = Math.floor(left / size)
    left -= whole * size
    if (whole > 0) parts.push(`${whole}${unit}`)
  }
  return parts.join(' ') || `0${Object.keys(units).at(-1) ?? ''}`
}
