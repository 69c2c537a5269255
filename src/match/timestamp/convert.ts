import { zoneMinutes } from './zones.js'

/** The texts of a date's fields, by token letter (`Y`, `b`, `d`, …). */
export type DateFields = Readonly<Record<string, string | undefined>>

/**
 * What a date text means: epoch milliseconds; `invalid` (30 February: Fail2ban goes on as without a date); `broken` (an unknown zone name, a month
 * without a day: Fail2ban drops the line).
 */
export type Conversion =
  | { timeMs: number /** Whether the result also depends on the time of conversion. */; isAssumed: boolean }
  | 'invalid'
  | 'broken'

const dayMs = 86_400_000
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']

/**
 * Converts the fields of a date (spec section 3.11.6). Fractions of seconds are dropped. A missing year is this one, or the one before when that were more than
 * 24 h ahead; a missing day is today, or yesterday when that were ahead. `zoneDefault`: minutes east of Greenwich for dates without a zone;
 * undefined: local time.
 */
export function convertFields(fields: DateFields, nowMs: number, zoneDefault: number | undefined): Conversion {
  const own = fields.z ?? fields.Z
  const zone = own === undefined ? zoneDefault : zoneMinutes(own)
  if (zone === 'unknown') return 'broken'
  // Letters that are no zone: with names of months, `%Z` takes any word.
  if (own !== undefined && zone === undefined) return 'invalid'
  const now = wallClockOf(nowMs)
  const isYearAssumed = fields.Y === undefined && fields.y === undefined
  const year = isYearAssumed ? new Date(now).getUTCFullYear() : yearOf(fields)
  const day = dayOf(fields, year)
  const isDayAssumed = day === undefined
  const { y, m, d } = day ?? today(now, year)
  if (m === undefined || d === undefined) return 'broken'
  const time = timeOf(fields)
  if (!isDate(y, m, d) || time === undefined) return 'invalid'
  let wall = Date.UTC(y, m - 1, d) + time - (zone ?? 0) * 60_000
  if (isDayAssumed && wall > now) wall -= dayMs
  if (isYearAssumed && wall > now + dayMs) {
    if (!isDate(y - 1, m, d)) return 'invalid'
    wall = Date.UTC(y - 1, m - 1, d) + modulo(wall, dayMs)
  }
  return { timeMs: zone === undefined ? localEpoch(wall) : wall, isAssumed: isYearAssumed || isDayAssumed }
}

/** The local wall clock of an instant, written as if it were UTC. */
function wallClockOf(epochMs: number): number {
  return epochMs - new Date(epochMs).getTimezoneOffset() * 60_000
}

let lastMinute = Number.NaN
let lastMinuteEpochMs = 0

/** The instant at which the local wall clock shows `wall` (written as if it were UTC). The last minute asked for is remembered: lines come in bursts. */
function localEpoch(wall: number): number {
  const minute = Math.floor(wall / 60_000)
  if (minute !== lastMinute) {
    const at = new Date(minute * 60_000)
    lastMinuteEpochMs = new Date(
      at.getUTCFullYear(),
      at.getUTCMonth(),
      at.getUTCDate(),
      at.getUTCHours(),
      at.getUTCMinutes(),
    ).getTime()
    lastMinute = minute
  }
  return lastMinuteEpochMs + wall - minute * 60_000
}

/** Forgets what was remembered about the local time zone: for tests that change it. */
export function forgetLocalZone(): void {
  lastMinute = Number.NaN
}

function yearOf(fields: DateFields): number {
  if (fields.Y !== undefined) return Number(fields.Y)
  const year = Number(fields.y)
  return year <= 2000 ? year + 2000 : year
}

interface Day {
  y: number
  m: number | undefined
  d: number | undefined
}

/** The day as far as the fields name it; undefined: not at all. */
function dayOf(fields: DateFields, year: number): Day | undefined {
  const m = monthOf(fields)
  const d = fields.d === undefined ? undefined : Number(fields.d)
  if (m !== undefined && d !== undefined) return { y: year, m, d }
  const ordinal = fields.j === undefined ? ordinalOfWeek(fields, year) : Number(fields.j)
  if (ordinal !== undefined) {
    const at = new Date(Date.UTC(year, 0, ordinal))
    return { y: at.getUTCFullYear(), m: at.getUTCMonth() + 1, d: at.getUTCDate() }
  }
  return m === undefined && d === undefined ? undefined : { y: year, m, d }
}

function today(now: number, year: number): Day {
  const at = new Date(now)
  return { y: year, m: at.getUTCMonth() + 1, d: at.getUTCDate() }
}

function monthOf(fields: DateFields): number | undefined {
  if (fields.m !== undefined) return Number(fields.m)
  const name = fields.b ?? fields.B
  return name === undefined ? undefined : months.indexOf(name.slice(0, 3).toLowerCase()) + 1
}

/** Day of the year from a week number (`%U`: weeks begin on Sunday, `%W`: on Monday) and a weekday. */
function ordinalOfWeek(fields: DateFields, year: number): number | undefined {
  const weekday = weekdayOf(fields)
  const week = fields.U ?? fields.W
  if (weekday === undefined || week === undefined) return undefined
  const beginsMonday = fields.U === undefined
  const firstWeekday = (new Date(Date.UTC(year, 0, 1)).getUTCDay() + 6) % 7
  const first = beginsMonday ? firstWeekday : (firstWeekday + 1) % 7
  const day = beginsMonday ? weekday : (weekday + 1) % 7
  const weekZero = (7 - first) % 7
  if (Number(week) === 0) return 1 + day - first
  return 1 + weekZero + 7 * (Number(week) - 1) + day
}

/** 0: Monday. */
function weekdayOf(fields: DateFields): number | undefined {
  if (fields.w !== undefined) return (Number(fields.w) + 6) % 7
  const name = fields.a ?? fields.A
  return name === undefined ? undefined : weekdays.indexOf(name.slice(0, 3).toLowerCase())
}

/** Milliseconds since midnight; undefined: no such time of day. */
function timeOf(fields: DateFields): number | undefined {
  const hour = hourOf(fields)
  const minute = Number(fields.M ?? 0)
  const second = Number(fields.S ?? 0)
  // NOTE: also false for NaN, which digits of other scripts give.
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return undefined
  return ((hour * 60 + minute) * 60 + second) * 1000
}

function hourOf(fields: DateFields): number {
  if (fields.I === undefined) return Number(fields.H ?? 0)
  const hour = Number(fields.I)
  const isAfternoon = fields.p?.toLowerCase() === 'pm'
  if (isAfternoon) return hour === 12 ? 12 : hour + 12
  return hour === 12 ? 0 : hour
}

function isDate(year: number, month: number, day: number): boolean {
  if (!(month >= 1 && month <= 12 && day >= 1)) return false
  return day <= new Date(Date.UTC(year, month, 0)).getUTCDate()
}

const modulo = (value: number, by: number): number => ((value % by) + by) % by
