import type { Match } from './dialect/pattern.js'
import type { CompiledPattern } from './filter.js'

/** One line of the multi-line window. */
export interface WindowLine {
  /** Without its date. */
  text: string
  /** As written. */
  full: string
}

/** What patterns search: each line ended by a line feed. */
export const textOf = (lines: readonly WindowLine[]): string => `${lines.map((line) => line.text).join('\n')}\n`

/**
 * Which lines a match over several lines took, and which are left (spec section 3.7). `buffer` is the searched text.
 * Lines that `<SKIPLINES>` went over are left.
 */
export function splitWindow(
  lines: readonly WindowLine[],
  buffer: string,
  compiled: CompiledPattern,
  match: Match,
): { matched: WindowLine[]; left: WindowLine[] } {
  if (lines.length <= 1) return { matched: [...lines], left: [] }
  const end = match.index + (match[0]?.length ?? 0)
  const lineStart = buffer.lastIndexOf('\n', match.index) + 1
  const lineEnd = buffer.indexOf('\n', Math.max(0, end - 1))
  const first = countFeeds(buffer, lineStart)
  const last = countFeeds(buffer, lineEnd < 0 ? buffer.length : lineEnd + 1)
  const matched = lines.slice(first, last)
  const left = lines.slice(0, first)
  let from = 0
  for (const text of skippedLines(compiled, match)) {
    const at = matched.findIndex((line, i) => i >= from && line.text === text)
    if (at < 0) continue
    left.push(...matched.splice(at, 1))
    from = at
  }
  return { matched, left: [...left, ...lines.slice(last)] }
}

function countFeeds(text: string, until: number): number {
  let count = 0
  for (let at = text.indexOf('\n'); at >= 0 && at < until; at = text.indexOf('\n', at + 1)) count++
  return count
}

/** Lines that the match's `<SKIPLINES>` went over. */
function skippedLines({ pattern }: CompiledPattern, match: Match): string[] {
  let text = ''
  for (let n = 0; pattern.slots.has(`skiplines${n}`); n++) text += match[pattern.slots.get(`skiplines${n}`) ?? 0] ?? ''
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}
