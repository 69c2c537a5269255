import { type Ip, isSingleAddress, parseIp } from '../../domain/address.js'
import { parseLineDate } from './line-date.js'

/** A ban that somebody has written down without a signature. */
export interface PlainBan {
  ip: Ip
  /** As it stands there: a number, a name, a list, a range. */
  port: string
  /** Of the program that has written it. */
  tag: string | undefined
  /** Undefined: the line has no date. By the clock, and the time zone, of whoever has written it. */
  timeMs: number | undefined
}

/**
 * Reads one whole line that `logger` or `echo` may have written: `HOST 203.0.113.9 PORT 22`, at most with what syslog puts before it. Undefined for everything
 * else. Both words are there once, and nothing but one address between them: of a torn line no part of an address is taken for one.
 */
export function parsePlainLine(line: string, nowMs: number): PlainBan | undefined {
  const [, date, tag, host = '', port = ''] = bsd.exec(line) ?? ietf.exec(line) ?? []
  const ip = /[/[]/.test(host) ? undefined : parseIp(host)
  if (ip === undefined || !isSingleAddress(ip)) return undefined
  return { ip, port, tag, timeMs: date === undefined ? undefined : parseLineDate(date, nowMs) }
}

const ban = String.raw`HOST ([\da-fA-F.:]{2,45}) PORT ([\w:,.-]{1,64}) ?$`
const isoDate = String.raw`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?`
const date = String.raw`[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|${isoDate}`
const word = String.raw`[^\s:[\]<>]{1,255}`

/** `<13>Nov 21 02:01:35 web1 root[28133]: …`, all of it optional: logger(1) of util-linux since 2.26, before it, and echo(1). */
const bsd = new RegExp(String.raw`^(?:<\d{1,3}>)?(?:(${date}) )?(?:(?:${word} )?(${word})(?:\[\d{1,10}\])?: )?${ban}`)
/** `<13>1 2026-11-21T02:01:35.899493+00:00 web1 root 28151 - [timeQuality tzKnown="1"] …` (RFC 5424 section 6). */
const ietf = new RegExp(
  String.raw`^<\d{1,3}>1 (${isoDate}) ${word} (${word}) \S{1,32} \S{1,32} (?:-|\[[^\]]{0,200}\]) ${ban}`,
)
