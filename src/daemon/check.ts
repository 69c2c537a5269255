import { loadConfig } from '../config/load.js'
import type { Problem } from '../domain/origin.js'
import { systemClock } from '../lib/clock.js'
import { silentLog } from '../lib/log.js'
import { lintFilter } from '../match/lint.js'
import { type BuildContext, buildJail } from './jails.js'
import { notifyProblems } from './notifying.js'

/** Reads the configuration and builds every jail, as a start would, and lets go of it all. */
export function checkConfig(
  dir: string,
  options: { lints: boolean } = { lints: false },
): { problems: Problem[]; jails: string[] } {
  const loaded = loadConfig({ dir })
  const problems = [...loaded.problems, ...(loaded.config ? notifyProblems(loaded.config.own) : [])]
  const context: BuildContext = {
    clock: systemClock,
    log: silentLog,
    isNative: loaded.config?.own.enforcement.native ?? true,
    ignoreip: [],
    resolve: () => undefined,
    readList: () => [],
    isOwn: () => false,
  }
  const jails: string[] = []
  for (const config of loaded.config?.jails ?? []) {
    const built = buildJail(config, context)
    if ('problems' in built) problems.push(...built.problems)
    else {
      jails.push(config.name)
      const { origin, name } = config
      if (options.lints) problems.push(...lintFilter(built.unit.filter).map((problem) => ({ ...problem, jail: name })))
      problems.push(
        ...built.unit.notes.map((message): Problem => ({ severity: 'warning', message, jail: name, origin })),
      )
    }
  }
  for (const config of loaded.leftOut) {
    const built = buildJail(config, context)
    if ('problems' in built) problems.push(...built.problems.filter(({ severity }) => severity === 'error'))
  }
  return { problems, jails }
}

/** What would keep a daemon on this directory from starting at all: the rule of `startDaemon`. */
export function reasonsNotToStart(dir: string): Problem[] {
  const { problems, jails } = checkConfig(dir)
  const errors = problems.filter((problem) => problem.severity === 'error')
  return jails.length > 0 ? errors.filter((problem) => problem.jail === undefined) : errors
}
