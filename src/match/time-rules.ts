import type { Log } from '../lib/log.js'
import type { CurrentLine } from './current-line.js'
import type { LineDates } from './line-dates.js'

const minuteMs = 60_000
const dayMs = 86_400_000

/** Decides which time a line gets and whether it is looked at at all (spec section 3.1, steps 1 to 3). */
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

  /** Sets the line's time from its date, or the last one known; false: the line is not looked at. */
  apply(line: CurrentLine, dates: LineDates, context: { nowMs: number; live: boolean }): boolean {
    const { nowMs, live } = context
    const hasLast = this.#lastMs !== undefined && this.#lastMs > nowMs - minuteMs
    this.isCut = dates.outcome !== 'none'
    line.isDated = dates.outcome === 'dated' || dates.outcome === 'empty'
    if (dates.outcome === 'broken') return false
    if (dates.outcome === 'dated') {
      line.timeMs = dates.timeMs
      this.#lastMs = dates.timeMs
    } else {
      // The last date stands in for a missing one, and then nothing is cut out of the line.
      if (hasLast) this.isCut = false
      line.timeMs = hasLast ? this.#lastMs : dates.outcome === 'empty' || live ? nowMs : undefined
    }
    if (line.timeMs === undefined) return true
    return live ? this.#applyLive(line, line.timeMs, nowMs) : this.#applyInitial(line, line.timeMs, nowMs)
  }

  /** Says once a day that a pattern matched a line without a date. Always true: the line counts. */
  warnUndated(lines: readonly string[], nowMs: number): boolean {
    this.#warn('undated', nowMs, [
      "Found a match but no valid date/time found for ''.",
      `Match without a timestamp: ${lines.join('\n')}`,
      'Please try setting a custom date pattern (see man page jail.conf(5)).',
    ])
    return true
  }

  /** A line that is written now is of now; an odd date is not believed. */
  #applyLive(line: CurrentLine, timeMs: number, nowMs: number): boolean {
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
  #applyInitial(line: CurrentLine, timeMs: number, nowMs: number): boolean {
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

const units = [
  ['w', 604_800],
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
] as const

/** Seconds as Fail2ban spells them: `1h 30m`. */
function spelled(seconds: number): string {
  const parts: string[] = []
  let left = seconds
  for (const [unit, size] of units) {
    const count = Math.floor(left / size)
    left -= count * size
    if (count > 0) parts.push(`${count}${unit}`)
  }
  return parts.join(' ')
}
