import { colour, harmless, table, timeText } from '../render.js'
import type { Account, PatternAccount, ShownLine } from './account.js'
import type { Span } from './spans.js'

/** The account for people: the lines in colours, then the patterns, then the counts. */
export function* accountText(
  { counts, lines, patterns, dates, remarks }: Account,
  isVerbose: boolean,
): Generator<string> {
  for (const line of lines) yield* [coloured(line), `  ${explained(line)}`]
  if (lines.length > 0) yield ''
  const used = patterns.filter(({ hits, isStopped }) => hits > 0 || isStopped || isVerbose)
  yield used.length === 0 ? 'No pattern matched.' : table([heading, ...used.map(row)])
  if (dates.length > 0) yield* ['', ...dates.map(({ name, hits }) => `${hits} dates by ${harmless(name)}`)]
  if (remarks.length > 0) yield* ['', ...remarks.map((remark) => colour.bad(remark))]
  const all = counts.matched + counts.ignored + counts.missed + counts.forgiven
  const forgiven = counts.forgiven > 0 ? `, ${verdict.forgiven(counts.forgiven)}` : ''
  yield* [
    '',
    `${all} lines: ${verdict.matched(counts.matched)}, ${verdict.ignored(counts.ignored)}, ${verdict.missed(counts.missed)}${forgiven}`,
  ]
  if (lines.length < all) yield colour.dim(`${all - lines.length} lines were only counted; --all shows every line`)
}

const verdict = {
  matched: (count: number) => colour.good(`${count} matched`),
  ignored: (count: number) => colour.dim(`${count} ignored`),
  missed: (count: number) => colour.careful(`${count} missed`),
  forgiven: (count: number) => colour.good(`${count} forgiving`),
}

const heading = ['PATTERN', 'HITS', 'TRIED', 'TIME', 'A LINE', 'LONGEST', 'REGEX'].map((word) => colour.dim(word))

function row({ kind, number, regex, hits, runs, elapsedMs, longestMs, isStopped }: PatternAccount): string[] {
  const name = kind === 'prefregex' ? kind : `${kind} ${number}`
  const each = runs === 0 ? '' : `${((elapsedMs * 1000) / runs).toFixed(2)} µs`
  const characters = [...harmless(regex)]
  const shortened = characters.length > 90 ? `${characters.slice(0, 87).join('')}...` : characters.join('')
  return [
    name,
    String(hits),
    String(runs),
    `${elapsedMs.toFixed(2)} ms`,
    each,
    isStopped ? colour.bad('stopped') : `${(longestMs * 1000).toFixed(0)} µs`,
    shortened,
  ]
}

/** The line with its parts in colours; what could control the terminal is shown as `\\u001b`. */
function coloured({ line, spans }: ShownLine): string {
  let text = ''
  let at = 0
  for (const span of spans) {
    text += harmless(line.slice(at, span.start)) + paint(span, harmless(line.slice(span.start, span.end)))
    at = span.end
  }
  return text + harmless(line.slice(at))
}

function paint({ name }: Span, text: string): string {
  if (name === 'date') return colour.dim(text)
  if (/^(?:ip4|ip6|dns|fid|cidr)$/.test(name)) return colour.bold(colour.bad(text))
  if (/user/.test(name)) return colour.bold(colour.careful(text))
  return name === 'mlfid' ? text : colour.good(text)
}

function explained({ kind, findings, ignoredBy, forgiven }: ShownLine): string {
  if (kind === 'forgiven') {
    const who = forgiven.map(({ pattern, id, user }) => {
      return `successregex ${pattern}: ${harmless(id)}${user === null ? '' : ` user ${harmless(user)}`}`
    })
    return `${colour.good('forgives')} ${who.join('; ')}`
  }
  if (kind === 'missed') return colour.careful('missed')
  const parts = ignoredBy.map((number) => `ignoreregex ${number}`)
  for (const { pattern, id, timeMs, nofail, fields } of findings) {
    const user = typeof fields.user === 'string' && fields.user !== '' ? ` user ${harmless(fields.user)}` : ''
    const who = id === null ? 'no address yet' : harmless(id)
    const counts = nofail ? ', not a failure by itself' : ''
    parts.push(`failregex ${pattern}: ${who}${user}${timeMs === null ? '' : ` at ${timeText(timeMs)}`}${counts}`)
  }
  const word = kind === 'matched' ? colour.good('matched') : colour.dim('ignored')
  return `${word} ${parts.join('; ')}`
}
