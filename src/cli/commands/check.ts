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
  const { problems, jails } = checkConfig(dir, { lints: flags.lint === true })
  const errors = problems.filter((problem) => problem.severity === 'error').length
  if (flags.json) printJson(this, { dir, ok: errors === 0, jails, problems })
  else {
    for (const problem of problems.toSorted((a, b) => rankOf(a) - rankOf(b))) warn(this, problemText(problem))
    if (errors === 0)
      print(
        this,
        `OK: ${dir}: ${jails.length} jail${jails.length === 1 ? '' : 's'} enabled${jails.length > 0 ? `: ${jails.join(', ')}` : ''}`,
      )
    else warn(this, `${errors} error${errors === 1 ? '' : 's'} in ${dir}`)
  }
  if (errors > 0) this.process.exitCode = exit.config
}

/** Errors first, then the remarks of the lint, the worst first; otherwise in the order of the jails. */
const rankOf = (problem: Problem): number => (problem.severity === 'error' ? -1 : weightOf(problem))
