import { CannotStart } from '../../daemon/cannot-start.js'
import { type Daemon, startDaemon } from '../../daemon/daemon.js'
import { replaceProcess } from '../../lib/replace-process.js'
import { configDir } from '../config-dir.js'
import { CommandFailure, type Context, exit, print, warn } from '../context.js'
import { problemText } from '../problem-text.js'

export interface ServeFlags {
  config?: string
  simulate?: boolean
  verbose?: boolean
}

/** Runs the daemon until it is told to stop. SIGTERM and SIGINT end it in order, SIGHUP reloads, SIGUSR1 reopens the log. */
export async function serve(this: Context, flags: ServeFlags): Promise<void> {
  const starting = started(flags, this)
  // From the first moment on: a signal that comes during the start is carried out behind it, so nothing is left lying about.
  const then = (act: (daemon: Daemon) => unknown) => () => void starting.then(act, () => {})
  const stop = then((daemon) => daemon.stop({ keep: false }))
  const reload = then((daemon) => daemon.reload())
  const flushLog = then((daemon) => daemon.flushLog())
  process.on('SIGTERM', stop).on('SIGINT', stop).on('SIGHUP', reload).on('SIGUSR1', flushLog)
  const daemon = await starting
  const { keep } = await daemon.stopped
  if (!keep) return
  const error = replaceProcess()
  throw new CommandFailure(`Cannot start anew: ${error}; bans stay in the kernel until they end`, exit.config)
}

async function started(flags: ServeFlags, context: Context): ReturnType<typeof startDaemon> {
  try {
    return await startDaemon({
      dir: configDir(flags.config),
      simulate: flags.simulate === true,
      verbose: flags.verbose === true,
      say: (sentence) => print(context, sentence),
    })
  } catch (error) {
    if (!(error instanceof CannotStart)) throw error
    for (const problem of error.problems) warn(context, problemText(problem))
    throw new CommandFailure(error.message, exit.config)
  }
}
