import type { Daemon, DaemonOptions } from '../daemon/daemon.js'
import { startDaemon } from '../daemon/start-daemon.js'
import { replaceProcess } from '../lib/replace-process.js'
import { CommandFailure, exit } from './context.js'

/**
 * Runs the daemon until it is told to stop. SIGTERM and SIGINT end it in order, SIGUSR2 too, but bans stay in force for the next start;
 * SIGHUP reloads, SIGUSR1 reopens the log. Throws `CannotStart`.
 */
export async function runDaemon(options: DaemonOptions, onReady: () => void = () => {}): Promise<void> {
  const starting = startDaemon(options)
  // From the first moment on: a signal that comes during the start is carried out behind it, so nothing is left lying about.
  const then = (act: (daemon: Daemon) => unknown) => () => void starting.then(act, () => {})
  const stop = then((daemon) => daemon.stop({ keep: false }))
  const handOver = then((daemon) => daemon.stop({ keep: true, again: false }))
  // The log has what came of it.
  const reload = then((daemon) => daemon.reload().catch(() => {}))
  const flushLog = then((daemon) => daemon.flushLog())
  process.on('SIGTERM', stop).on('SIGINT', stop).on('SIGHUP', reload).on('SIGUSR1', flushLog).on('SIGUSR2', handOver)
  const daemon = await starting
  onReady()
  const { again } = await daemon.stopped
  if (!again) return
  const error = replaceProcess()
  throw new CommandFailure(`Cannot start anew: ${error}; bans stay in the kernel until they end`, exit.config)
}
