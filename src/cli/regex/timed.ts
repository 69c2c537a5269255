import { performance } from 'node:perf_hooks'
import type { Match, Pattern } from '../../match/dialect/pattern.js'
import type { CompiledFilter, CompiledPattern } from '../../match/filter.js'

/** How long a pattern ran, and how often. */
export interface Stopwatch {
  elapsedMs: number
  runs: number
  /** The longest single run. */
  longestMs: number
}

/** The same filter, its patterns timed. Costs some 0.1 µs for each run, which counts as the pattern's own. */
export function timedFilter(filter: CompiledFilter): { filter: CompiledFilter; watches: Map<Pattern, Stopwatch> } {
  const watches = new Map<Pattern, Stopwatch>()
  const timed = (compiled: CompiledPattern): CompiledPattern => {
    const watch = { elapsedMs: 0, runs: 0, longestMs: 0 }
    watches.set(compiled.pattern, watch)
    return { ...compiled, pattern: watched(compiled.pattern, watch) }
  }
  const { fail, ignore, success, prefix } = filter
  return {
    filter: {
      ...filter,
      fail: fail.map(timed),
      ignore: ignore.map(timed),
      success: success.map(timed),
      prefix: prefix && timed(prefix),
    },
    watches,
  }
}

function watched(pattern: Pattern, watch: Stopwatch): Pattern {
  const exec = (text: string, isAscii: boolean): Match | null => {
    const startMs = performance.now()
    const match = pattern.exec(text, isAscii)
    const tookMs = performance.now() - startMs
    watch.runs++
    watch.elapsedMs += tookMs
    if (tookMs > watch.longestMs) watch.longestMs = tookMs
    return match
  }
  const stand: Pattern = Object.create(pattern, { exec: { value: exec } })
  return stand
}
