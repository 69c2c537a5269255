import { stripEnd } from '../../lib/python-text.js'
import type { DateTemplate } from '../../match/timestamp/template.js'
import type { RegexOptions } from './arguments.js'
import { debuggexUrl } from './debuggex.js'
import { listLimit, type Statistics } from './statistics.js'
import type { Subject } from './subject.js'
import type { LineKind } from './tally.js'

/** What stands at the end (spec section 11.2), line by line. */
export function* statisticsText(
  statistics: Statistics,
  subject: Subject,
  options: RegexOptions & { elapsedMs: number; readsDates: boolean },
): Generator<string> {
  const { tally } = statistics
  const { prefix } = subject.filter
  yield* ['', 'Results', '=======']
  if (prefix !== undefined) {
    const groups = tally.prefixGroups.map((text) => `    ${text}`)
    yield* ['', `Prefregex: ${tally.prefixMatched} total`, ...list([prefix.pattern.source, ...groups])]
  }
  yield* patterns('Failregex', tally.failHits, statistics, subject, options)
  yield* patterns('Ignoreregex', tally.ignoreHits, statistics, subject, options)
  if (options.readsDates)
    yield* ['', 'Date template hits:', ...list(dates(statistics, subject, options), '[# of hits] date format')]
  const { matched, ignored, missed } = tally.lists
  const counts = `${ignored.count} ignored, ${matched.count} matched, ${missed.count} missed`
  yield* ['', `Lines: ${tally.tested} lines, ${counts}`]
  yield* [`[processed in ${(options.elapsedMs / 1000).toFixed(2)} sec]`, '']
  if (options.printAllMatched) yield* lines('matched', statistics, subject, options)
  if (!options.printNoIgnored) yield* lines('ignored', statistics, subject, options)
  if (!options.printNoMissed) yield* lines('missed', statistics, subject, options)
}

function list(items: readonly string[], header?: string): string[] {
  if (items.length === 0) return []
  return [...(header === undefined ? [] : [`|- ${header}`]), ...items.map((item) => `|  ${item}`), '`-']
}

function* patterns(
  title: 'Failregex' | 'Ignoreregex',
  hits: readonly number[],
  { tally }: Statistics,
  subject: Subject,
  options: RegexOptions,
): Generator<string> {
  const isFail = title === 'Failregex'
  const isVerbose = options.verbosity > 0
  yield* ['', `${title}: ${hits.reduce((sum, count) => sum + count, 0)} total`]
  const items: string[] = []
  for (const [i, written] of (isFail ? subject.failregex : subject.ignoreregex).entries()) {
    const count = hits[i] ?? 0
    if (count > 0 || isVerbose) items.push(`${String(i + 1).padStart(2)}) [${count}] ${written}`)
    if (!isFail || !isVerbose) continue
    for (const { id, timeMs, isMultiple } of tally.hits[i] ?? []) {
      items.push(`    ${id ?? 'None'}  ${localTimeText(timeMs)}${isMultiple ? ' (multiple regex matched)' : ''}`)
    }
  }
  if (isFail && tally.hitsDropped > 0) items.push(`    ... and ${tally.hitsDropped} more hits, too many to list`)
  yield* list(items, ' #) [# of hits] regular expression')
}

/** As C's `%a %b %d %H:%M:%S %Y`. */
function localTimeText(timeMs: number | undefined): string {
  const at = timeMs === undefined ? new Date() : new Date(timeMs)
  const two = (n: number) => String(n).padStart(2, '0')
  const day = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][at.getDay()]
  const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  return `${day} ${months[at.getMonth()]} ${two(at.getDate())} ${clock} ${at.getFullYear()}`
}

function dates({ examiner, tally }: Statistics, subject: Subject, options: RegexOptions): string[] {
  // Fail2ban makes its default templates when the first line comes.
  if (tally.tested === 0 && !subject.hasDatepattern) return []
  return examiner.dates.detector.tally.flatMap(({ template, hits, distance }) => {
    if (hits === 0 && options.verbosity === 0) return []
    return [`[${hits}] ${template.name}`, ...(options.verboseDate ? dateDetails(template, hits, distance) : [])]
  })
}

function dateDetails(template: DateTemplate, hits: number, distance: number): string[] {
  const weight = (hits * template.weight) / Math.max(1, distance)
  return [
    `    # weight: ${weight.toFixed(3)} (${template.weight.toFixed(3)}), pattern: ${template.written ?? ''}`,
    `    # regex:   ${template.source}`,
  ]
}

function* lines(kind: LineKind, statistics: Statistics, subject: Subject, options: RegexOptions): Generator<string> {
  const { count, lines: kept } = statistics.tally.lists[kind]
  if (count === 0) return
  const header = `${kind.charAt(0).toUpperCase()}${kind.slice(1)} line(s):`
  const printsAll = {
    matched: options.printAllMatched,
    ignored: options.printAllIgnored,
    missed: options.printAllMissed,
  }
  if (count >= listLimit(options) && !printsAll[kind]) {
    yield `${header} too many to print.  Use --print-all-${kind} to print all ${count} lines`
    return
  }
  if (!options.debuggex) {
    yield* list(kept.map(stripEnd), header)
    return
  }
  const isMultiline = subject.filter.maxlines > 1
  const items = kept.flatMap((text) =>
    (kind === 'ignored' ? subject.ignoreregex : subject.failregex).map(
      (written) => `${text} | ${written} |  ${debuggexUrl(text, written, { isMultiline, usedns: options.usedns })}`,
    ),
  )
  yield* list(items.map(stripEnd), header)
}
