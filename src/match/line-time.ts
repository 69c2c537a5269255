import type { CompiledFilter } from './filter.js'
import { LineDates } from './line-dates.js'

/** Epoch milliseconds of a line's own date, as this filter reads dates; undefined: it has none. For looking around in a log, not for matching. */
export function lineTimeReader(filter: CompiledFilter, nowMs: number): (line: string) => number | undefined {
  const dates = new LineDates(filter.templates, filter.zoneDefault)
  dates.setNow(nowMs)
  return (line) => {
    dates.read(line, 0, line.length)
    return dates.outcome === 'dated' ? dates.timeMs : undefined
  }
}
