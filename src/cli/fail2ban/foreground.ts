import path from 'node:path'
import { CannotStart } from '../../daemon/cannot-start.js'
import { cFunction } from '../../lib/libc.js'
import { CommandFailure } from '../context.js'
import { problemText } from '../problem-text.js'
import { runDaemon } from '../run-daemon.js'
import type { Session } from './session.js'

/** `-f`: this process is the server until it is told to end. */
export async function runInForeground(session: Session): Promise<boolean> {
  const { options, log, print } = session
  process.title = options.processName ?? 'fail2ban-server'
  try {
    await runDaemon(
      {
        dir: path.resolve(options.dir),
        overrides: options.overrides,
        simulate: false,
        verbose: false,
        say: (sentence) => log.say('INFO', sentence),
      },
      () => {
        if (options.isAsync) leaveOutputs()
        else print('Server ready')
      },
    )
    return true
  } catch (error) {
    if (!(error instanceof CannotStart) && !(error instanceof CommandFailure)) throw error
    if (error instanceof CannotStart) for (const problem of error.problems) log.say('ERROR', problemText(problem))
    log.say('ERROR', error.message)
    return false
  }
}

/** Who started us has read what we had to say, and deletes the file that it was written to. */
function leaveOutputs(): void {
  try {
    const open = cFunction<(file: string, flags: number) => number>('int open(const char *file, int flags)')
    const dup2 = cFunction<(from: number, to: number) => number>('int dup2(int from, int to)')
    const O_RDWR = 2
    const nothing = open('/dev/null', O_RDWR)
    for (const output of [1, 2]) dup2(nothing, output)
  } catch {
    // Without the C library at hand the deleted file keeps the little that is still printed.
  }
}
