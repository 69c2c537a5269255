import type { Saying } from '../../config/stream.js'
import { dumpConfiguration, type Printed, testConfiguration } from '../../config/test-configuration.js'
import { checkConfig } from '../../daemon/check.js'
import type { ClientLog } from './client-log.js'
import type { ClientOptions } from './options.js'

export interface TestOrDumpOptions {
  log: ClientLog
  print(text: string): void
  isServer: boolean
  /** A command follows a test that is passed, so nothing is said of it. */
  isGoingOn: boolean
}

/** `-d`, `--dp`, `-t` (spec 1.13, 1.14). */
export function testOrDump(
  { dir, overrides, dump, test }: ClientOptions,
  { log, print, isServer, isGoingOn }: TestOrDumpOptions,
): boolean {
  const printed = test
    ? testConfiguration({ dir, overrides, isServer, ...(dump && { dump }) })
    : dumpConfiguration({ dir, overrides, isServer, form: dump ?? 'lines' })
  const isPassed = printed.exitCode === 0
  log.sayAll((test && isPassed ? withDoubts(printed, dir) : printed).stderr)
  const lines = isGoingOn && isPassed ? printed.stdout.slice(0, -1) : printed.stdout
  if (lines.length > 0) print(lines.join('\n'))
  return isPassed
}

/** What Fail2ban's own test does not look at: regexes, dates, ports. Warnings only, so that a deployment that passes there passes here. */
function withDoubts(printed: Printed, dir: string): Printed {
  const doubts = checkConfig(dir).problems.filter((problem) => problem.severity === 'error')
  const sayings = doubts.map(({ jail, message, origin }): Saying => {
    const place = origin ? ` (${origin.file}:${origin.line})` : ''
    return { level: 'WARNING', module: '', text: `${jail === undefined ? '' : `Jail '${jail}': `}${message}${place}` }
  })
  return { ...printed, stderr: [...printed.stderr, ...sayings] }
}
