import type { PyValue } from '../../lib/python-repr.js'
import { entriesOf, listOf, str } from './python-text.js'

/** Lines of the table: between columns and between groups of them, below the head, and where they meet. */
const fine = { group: '║', rule: '═', left: '╟', thinRule: '─', meet: '╫', cross: '╬', foot: '╩', column: '│' }
const plain = { group: '|', rule: '-', left: '|', thinRule: '-', meet: 'x', cross: 'x', foot: '-', column: '|' }

/** Narrowest columns: jail, backend, and the four counts. */
const widthsMin = [8, 8, 3, 3, 3, 3] as const

/**
 * `fail2ban-client stats` (spec 7.4): for each jail its backend, failures and bans, now and in total. `isFine`: the terminal shows
 * line drawing characters. Throws `Unforeseen` for a value that is no statistics.
 */
export function statsTable(stats: PyValue, isFine: boolean): string {
  const rows = entriesOf(stats).map(([jail, figures]) => {
    const [backend, failures, bans] = listOf(figures)
    return [jail, str(backend), ...listOf(failures).slice(0, 2).map(str), ...listOf(bans).slice(0, 2).map(str)]
  })
  const widths = widthsMin.map((least, at) => Math.max(least, ...rows.map((row) => row[at]?.length ?? 0)))
  return drawn(rows, widths, isFine ? fine : plain).join('\n')
}

function drawn(rows: readonly string[][], widths: readonly number[], lines: typeof fine): string[] {
  const { group, rule, left, thinRule, meet, cross, foot, column } = lines
  const [jail = 0, backend = 0, failedNow = 0, failed = 0, bannedNow = 0, banned = 0] = widths
  const wide = (failure: number, ban: number) => [failure, ban] as const
  const [failures, bans] = wide(failedNow + failed + 3, bannedNow + banned + 3)
  const counts = (a: string, b: string, c: string, d: string) =>
    ` ${a.padStart(failedNow)} ${column} ${b.padStart(failed)} ${group} ${c.padStart(bannedNow)} ${column} ${d.padStart(banned)}`
  const names = (first: string, second: string) => ` ${first.padEnd(jail)} ${group} ${second.padEnd(backend)} `
  const ruled = (joint: string) =>
    [jail + 2, backend + 2, failures + 2, bans + 2].map((width) => rule.repeat(width)).join(joint)
  return [
    `${names('', '')}${group} ${'Filter'.padEnd(failures)} ${group} ${'Actions'.padEnd(bans)} `,
    `${names('Jail', 'Backend')}${left}${thinRule.repeat(failures + 2)}${meet}${thinRule.repeat(bans + 2)}`,
    `${names('', '')}${group}${counts('cur', 'tot', 'cur', 'tot')}`,
    ruled(cross),
    ...rows.map(
      ([name = '', kind = '', a = '', b = '', c = '', d = '']) => `${names(name, kind)}${group}${counts(a, b, c, d)}`,
    ),
    ruled(foot),
  ]
}
