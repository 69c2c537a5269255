const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const dayMs = 86_400_000

/** `Nov 21 02:01:35`, the local time, as syslog has it (RFC 3164 section 4.1.2). */
export function syslogDate(timeMs: number): string {
  const time = new Date(timeMs)
  const two = (part: number) => String(part).padStart(2, '0')
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')
  return `${months[time.getMonth()]} ${String(time.getDate()).padStart(2)} ${clock}`
}

/** The time of `Nov 21 02:01:35` (of this year or, where that were days ahead, the last) or of an ISO 8601 date; undefined: it is none. */
export function parseLineDate(text: string, nowMs: number): number | undefined {
  if (/^\d/.test(text)) {
    const timeMs = Date.parse(text.replace(',', '.').replace(/^(\S+) /, '$1T'))
    return Number.isNaN(timeMs) ? undefined : timeMs
  }
  const [, name = '', day, hour, minute, second] = /^(\w{3}) ([ \d]\d) (\d\d):(\d\d):(\d\d)$/.exec(text) ?? []
  const month = months.indexOf(name)
  if (month < 0) return undefined
  const inYear = (year: number) =>
    new Date(year, month, Number(day), Number(hour), Number(minute), Number(second)).getTime()
  const year = new Date(nowMs).getFullYear()
  const thisYearMs = inYear(year)
  return thisYearMs > nowMs + 2 * dayMs ? inYear(year - 1) : thisYearMs
}
