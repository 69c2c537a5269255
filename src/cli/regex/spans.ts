import type { Pattern } from '../../match/dialect/pattern.js'
import { idGroups } from '../../match/filter.js'

/** A part of a line, and what it is: `date`, or the name of a group. */
export interface Span {
  start: number
  end: number
  name: string
}

/** Where in the line (as written) the groups of a match stand. */
export function spansOf(line: {
  text: string
  cut: { start: number; end: number }
  prefix: Pattern | undefined
  pattern: Pattern
}): Span[] {
  const { text, cut, prefix, pattern } = line
  const place = (at: number) => (at < cut.start || cut.end === cut.start ? at : at + cut.end - cut.start)
  const ofPrefix = prefix === undefined ? [] : groupSpans(prefix, text)
  const content = ofPrefix.find(({ name, end, start }) => name === 'content' && end > start)
  const offset = content?.start ?? 0
  const searched = content === undefined ? text : `${text.slice(content.start, content.end)}\n`
  const own = groupSpans(pattern, searched).map((span) => ({
    ...span,
    start: span.start + offset,
    end: span.end + offset,
  }))
  const spans = own.map(({ name, start, end }) => ({ name, start: place(start), end: place(end) }))
  if (cut.end > cut.start) spans.push({ name: 'date', ...cut })
  return withoutOverlap(spans.filter(({ start, end }) => end > start))
}

/** Our own machine tells where a group is; V8's pattern only what it is. */
function groupSpans(pattern: Pattern, text: string): Span[] {
  const { machine } = pattern
  if (machine.trySearch(text) !== true) return []
  return [...pattern.syntax.names].flatMap(([name, index]) => {
    const start = machine.marks[2 * index] ?? -1
    const end = machine.marks[2 * index + 1] ?? -1
    return start < 0 || end < start ? [] : [{ name, start, end }]
  })
}

/** In order; of two that overlap, the one that says who it was, else the shorter. */
function withoutOverlap(spans: readonly Span[]): Span[] {
  const weight = ({ name, start, end }: Span) => (idGroups.includes(name) ? 0 : end - start)
  const kept: Span[] = []
  for (const span of [...spans].sort((a, b) => weight(a) - weight(b))) {
    if (kept.every(({ start, end }) => span.end <= start || span.start >= end)) kept.push(span)
  }
  return kept.sort((a, b) => a.start - b.start)
}
