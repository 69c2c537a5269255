import type { CompiledFilter } from '../../match/filter.js'
import type { RegexOptions } from './arguments.js'
import type { Examiner, Found } from './examiner.js'
import { groupsOf, reprFields } from './python-fields.js'
import { Tally } from './tally.js'

/** Lists of lines that are as long are not printed, unless all are asked for. NOTE: `--maxlines` changes it; Fail2ban's tool does so too. */
const listedMax = 20

/** From how many lines on a list is not printed. */
export const listLimit = (options: RegexOptions): number => options.maxlines || listedMax

/** Reads all lines and counts (spec section 11.2). */
export class Statistics {
  readonly tally: Tally
  readonly examiner: Examiner
  readonly #filter: CompiledFilter
  readonly #options: RegexOptions
  readonly #isWindowed: boolean
  /** What was left of the lines before the present one. */
  #windowBefore: Examiner['window'] = []

  constructor(filter: CompiledFilter, examiner: Examiner, options: RegexOptions) {
    this.#filter = filter
    this.#options = options
    this.examiner = examiner
    this.#isWindowed = filter.maxlines > 1
    const some = listLimit(options) + 1
    const kept = (none: boolean, all: boolean) => (none ? 0 : all ? Number.POSITIVE_INFINITY : some)
    this.tally = new Tally({
      fail: filter.fail.length,
      ignore: filter.ignore.length,
      kept: {
        matched: options.printAllMatched ? Number.POSITIVE_INFINITY : 0,
        ignored: kept(options.printNoIgnored, options.printAllIgnored),
        missed: kept(options.printNoMissed, options.printAllMissed),
      },
    })
  }

  /** Counts the line that the examiner has looked at. */
  count(chunk: string, start: number, end: number): void {
    if (this.examiner.hasPrefix) this.#countPrefix()
    const kind = this.#countFound(this.examiner.found)
    if (this.#isWindowed) this.#moveTaken(this.#windowBefore)
    const list = this.tally.lists[kind]
    if (list.isFull) list.count++
    else list.add(chunk.slice(start, end))
    this.tally.tested++
  }

  #countFound(found: readonly Found[]): 'matched' | 'ignored' | 'missed' {
    const { tally, examiner } = this
    const isVerbose = this.#options.verbosity > 0
    // A line that forgives (successregex, which Fail2ban does not know) is no failure.
    let isIgnored = examiner.ignoredBy.length > 0 || examiner.forgiven.length > 0
    for (const { index } of examiner.ignoredBy) tally.ignoreHits[index] = (tally.ignoreHits[index] ?? 0) + 1
    let failures = 0
    for (const { finding } of found) {
      const { index } = finding.pattern
      tally.failHits[index] = (tally.failHits[index] ?? 0) + 1
      // NOTE: the mark is set from the third failure on, as Fail2ban does it.
      if (isVerbose) tally.addHit(index, { id: finding.id, timeMs: finding.timeMs, isMultiple: failures > 1 })
      if (finding.isNofail) isIgnored = true
      else failures++
    }
    return isIgnored ? 'ignored' : failures > 0 ? 'matched' : 'missed'
  }

  #countPrefix(): void {
    const { tally } = this
    tally.prefixMatched++
    if (this.#options.verbosity === 0) return
    const { prefix } = this.examiner
    const kept = listLimit(this.#options)
    if (tally.prefixGroups.length > kept) return
    if (prefix === null || this.#filter.prefix === undefined) return
    const isLast = tally.prefixGroups.length === kept
    tally.prefixGroups.push(isLast ? '...' : reprFields(groupsOf(this.#filter.prefix.pattern, prefix)))
  }

  /** Earlier lines that a match over several lines took were no misses. */
  #moveTaken(before: readonly { text: string; full: string }[]): void {
    const { window } = this.examiner
    const { matched, missed } = this.tally.lists
    const isLeft = (one: { text: string; full: string }) =>
      window.some(({ text, full }) => text === one.text && full === one.full)
    for (const line of before.slice(before.length >= this.#filter.maxlines ? 1 : 0)) {
      if (isLeft(line)) continue
      missed.take(line.full)
      matched.add(line.full)
    }
    this.#windowBefore = window
  }
}
