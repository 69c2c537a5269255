import { type Config, loadConfig } from '../config/load.js'
import { systemClock } from '../lib/clock.js'
import { messageOf } from '../lib/error-message.js'
import { isAnswered } from '../lib/unix-socket.js'
import { assemble } from './assemble.js'
import { CannotStart } from './cannot-start.js'
import { Daemon, type DaemonOptions } from './daemon.js'
import { notifyProblems } from './notifying.js'
import { openLog } from './open-log.js'
import { type Paths, pathsOf } from './paths.js'
import type { State } from './state.js'
import { SwitchableLog } from './switchable-log.js'

/** Starts a daemon, or throws `CannotStart` and leaves nothing behind. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { config, problems } = loadConfig({
    dir: options.dir,
    ...(options.overrides && { overrides: options.overrides }),
  })
  if (config === undefined)
    throw new CannotStart(`Nothing is started: the configuration in ${options.dir} is wrong`, problems)
  const wrongNotify = notifyProblems(config.own)
  if (wrongNotify.length > 0)
    throw new CannotStart(`Nothing is started: the configuration in ${options.dir} is wrong`, wrongNotify)
  const paths = pathsOf({ ...config.server, apiSocket: config.own.api.socket })
  await refuseSecond(paths)
  const state = await assembled(options, config, paths)
  const daemon = new Daemon(state, options)
  try {
    await daemon.begin(problems)
  } catch (error) {
    await daemon.abandon()
    throw error
  }
  return daemon
}

async function refuseSecond(paths: Paths): Promise<void> {
  if (await isAnswered(paths.apiSocket))
    throw new CannotStart(`A tocsin daemon is running already: it answers on ${paths.apiSocket}; 'tocsin stop' ends it`)
  if (await isAnswered(paths.controlSocket)) {
    throw new CannotStart(
      `Fail2ban itself is running: it answers on ${paths.controlSocket}; stop it first (systemctl stop fail2ban, or fail2ban-client stop)`,
    )
  }
}

async function assembled(options: DaemonOptions, config: Config, paths: Paths): Promise<State> {
  try {
    const log = new SwitchableLog(
      openLog({
        clock: systemClock,
        paths,
        loglevel: config.server.loglevel,
        syslogsocket: config.server.syslogsocket,
        verbose: options.verbose,
      }),
    )
    const { simulate, verbose: isVerbose, overrides = {} } = options
    return await assemble({ config, paths, clock: systemClock, log, simulate, isVerbose, overrides })
  } catch (error) {
    throw new CannotStart(`Cannot start: ${messageOf(error)}${hintOf(error)}`)
  }
}

function hintOf(error: unknown): string {
  const isDenied = error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM')
  return isDenied ? '; run it as root, or as somebody who may write there' : ''
}
