import type { CompiledFilter, CompiledPattern } from '../../match/filter.js'
import { harmless } from '../render.js'
import type { Stall } from './line-run.js'

/** Characters of the line that are shown. */
const shownMax = 300

/** What took too long, where, and what follows from it. Nothing in it can control a terminal. */
export function stallText({ what, pattern, line, afterMs }: Stall, filter: CompiledFilter): string {
  const after = `after ${Math.round(afterMs)} ms`
  const shown = harmless(line.length > shownMax ? `${line.slice(0, shownMax)}... (${line.length} characters)` : line)
  if (what === 'date') return `a date pattern was stopped ${after} and is not tried any more. The line was: ${shown}`
  if (pattern === undefined) return `a line was passed over ${after}: ${shown}`
  const { file, line: lineNumber } = pattern.origin
  const kind = kindOf(pattern, filter)
  const name = kind === 'prefregex' ? kind : `${kind} ${pattern.index + 1}`
  const place = lineNumber > 0 ? `${file}:${lineNumber}` : file
  const fate = 'is not tried any more, as it would be in the daemon (there after 200 ms)'
  return `${name} (${harmless(place)}) was stopped ${after} on one line and ${fate}. The line was: ${shown}`
}

/** Which of the filter's lists the pattern is in. */
export function kindOf(pattern: CompiledPattern, { prefix, ignore, success }: CompiledFilter): PatternKind {
  if (pattern === prefix) return 'prefregex'
  if (success.includes(pattern)) return 'successregex'
  return ignore.includes(pattern) ? 'ignoreregex' : 'failregex'
}

export type PatternKind = 'prefregex' | 'failregex' | 'ignoreregex' | 'successregex'
