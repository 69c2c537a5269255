import type { LogRate } from '../domain/enforcer.js'
import type { WrongValue } from './own-jail-options.js'

/** What `yes` means: enough to see that a ban works, too little to fill a disk. */
const usual: LogRate = { packets: 10, per: 'minute' }
/** The kernel's log is for people; more than this a time is a mistake. */
const packetsMax = 10_000

const units: Readonly<Record<string, LogRate['per']>> = {
  s: 'second',
  sec: 'second',
  second: 'second',
  m: 'minute',
  min: 'minute',
  minute: 'minute',
  h: 'hour',
  hour: 'hour',
  d: 'day',
  day: 'day',
}

/** Reads `no`, `yes`, or a rate as iptables and nft write it: `6/m`, `10/minute`. */
export function parseLogRate(text: string): LogRate | undefined | WrongValue {
  const word = text.toLowerCase()
  if (['', '0', 'off', 'false', 'no'].includes(word)) return undefined
  if (['1', 'on', 'true', 'yes'].includes(word)) return usual
  const [, number = '', unit = ''] = /^(\d{1,9})\s*\/\s*([a-z]+)$/.exec(word) ?? []
  const per = Object.hasOwn(units, unit) ? units[unit] : undefined
  const packets = Number(number)
  if (per !== undefined && packets > 0 && packets <= packetsMax) return { packets, per }
  return { wrong: 'is no rate', hint: `write no, yes (10/minute), or 1 to ${packetsMax} a time: 6/minute, 1/second` }
}
