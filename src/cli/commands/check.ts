import { checkConfig } from '../../daemon/check.js'
import type { Problem } from '../../domain/origin.js'
import { weightOf } from '../../match/lint.js'
import { configDir } from '../config-dir.js'
import { type CommonFlags, type Context, exit, print, printJson, warn } from '../context.js'
import { problemText } from '../problem-text.js'

export interface CheckFlags extends CommonFlags {
  lint?: boolean
}

/** Reads the configuration as the daemon would and says everything that is wrong with it; starts nothing. */
export async function check(this: Context, flags: CheckFlags): Promise<void> {
  const dir = configDir(flags.config)
  const { problems: all, jails } = checkConfig(dir, { lints: flags.lint === true })
  const problems = all.toSorted((a, b) => rankOf(a) - rankOf(b))
  const errors = problems.filter((problem) => problem.severity === 'error').length
  if (flags.json) printJson(this, { dir, ok: errors === 0, jails, problems })
  else {
    const said = saidOnce(problems)
    for (const problem of said) warn(this, problemText(problem))
    const counts = flags.lint ? lintCounts(said) : ''
    if (counts !== '') warn(this, `Lint: ${counts}`)
    if (errors === 0)
      print(
        this,
        `OK: ${dir}: ${jails.length} jail${jails.length === 1 ? '' : 's'} enabled${jails.length > 0 ? `: ${jails.join(', ')}` : ''}`,
      )
    else warn(this, `${errors} error${errors === 1 ? '' : 's'} in ${dir}`)
  }
  if (errors > 0) this.process.exitCode = exit.config
}

/** What is wrong with a filter is wrong for each jail that uses it: said once, for all of them. */
function saidOnce(problems: readonly Problem[]): Problem[] {
  const byText = new Map<string, Problem>()
  for (const problem of problems) {
    const { origin, message, jail } = problem
    const key = `${origin?.file}:${origin?.line} ${message}`
    const known = byText.get(key)
    const jails = known?.jail === undefined || jail === undefined ? jail : `${known.jail}, ${jail}`
    byText.set(key, { ...problem, ...(jails !== undefined && { jail: jails }) })
  }
  return [...byText.values()]
}

/** `4 forgeable, 1 slow`, the worst first; the problems are in that order. */
function lintCounts(problems: readonly Problem[]): string {
  const counts = new Map<string, number>()
  for (const problem of problems) {
    if ('danger' in problem) counts.set(String(problem.danger), (counts.get(String(problem.danger)) ?? 0) + 1)
  }
  return [...counts].map(([danger, count]) => `${count} ${danger}`).join(', ')
}

/** Errors first, then warnings, then the remarks of the lint, the worst first; otherwise in the order of the jails. */
const rankOf = (problem: Problem): number => (problem.severity === 'error' ? -2 : weightOf(problem))
