import { roundHalfToEven } from '../lib/half-to-even.js'

/**
 * A time as Fail2ban's log has it: `9m 59s`, `1h 30m`, `1w 1d`, `19y 49w 4d`. The longer, the coarser: to the minute from an hour on, to the
 * hour from a week, to the day from a year (of 365 days). Found out by asking the peer; tested against it.
 */
export function shortDuration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 3595) return inUnits(seconds, secondsUnits)
  if (seconds < 86_400) return inUnits(Math.floor((seconds + 5) / 60), minutesUnits)
  if (seconds < 604_800) return inUnits(roundHalfToEven(seconds / 60), [['d', 1440], ...minutesUnits])
  if (seconds < 31_536_000) return inUnits(roundHalfToEven(seconds / 3600), hoursUnits)
  return inUnits(roundHalfToEven(seconds / 86_400), daysUnits)
}

type Units = readonly (readonly [name: string, size: number])[]

const secondsUnits: Units = [
  ['m', 60],
  ['s', 1],
]
const minutesUnits: Units = [
  ['h', 60],
  ['m', 1],
]
const hoursUnits: Units = [
  ['w', 168],
  ['d', 24],
  ['h', 1],
]
const daysUnits: Units = [
  ['y', 365],
  ['w', 7],
  ['d', 1],
]

function inUnits(amount: number, units: Units): string {
  let rest = amount
  const parts: string[] = []
  for (const [name, size] of units) {
    const count = Math.floor(rest / size)
    if (count > 0) parts.push(`${count}${name}`)
    rest -= count * size
  }
  return parts.length === 0 ? '0' : parts.join(' ')
}
