import { CannotStart } from '../../daemon/cannot-start.js'
import { configDir } from '../config-dir.js'
import { CommandFailure, type Context, exit, print, warn } from '../context.js'
import { endProcess } from '../fail2ban/end-process.js'
import { problemText } from '../problem-text.js'
import { runDaemon } from '../run-daemon.js'

export interface ServeFlags {
  config?: string
  simulate?: boolean
  verbose?: boolean
}

/** Runs the daemon until it is told to stop. */
export async function serve(this: Context, flags: ServeFlags): Promise<void> {
  try {
    await runDaemon({
      dir: configDir(flags.config),
      simulate: flags.simulate === true,
      verbose: flags.verbose === true,
      say: (sentence) => print(this, sentence),
    })
    // Somebody may still be waited for who does not answer: a broker.
    endProcess(exit.ok)
  } catch (error) {
    if (!(error instanceof CannotStart)) throw error
    for (const problem of error.problems) warn(this, problemText(problem))
    throw new CommandFailure(error.message, exit.config)
  }
}
