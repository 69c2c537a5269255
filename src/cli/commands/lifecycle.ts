import { ask } from '../../api/client.js'
import type { ReloadOutcome } from '../../api/operations.js'
import { type CommonFlags, type Context, exit, print, printJson, warn } from '../context.js'
import { daemonSocket } from '../daemon-socket.js'
import { problemText } from '../problem-text.js'
import { restartDaemon, startedMs, until } from '../restart-daemon.js'

export async function reload(this: Context, flags: CommonFlags): Promise<void> {
  const outcome = await ask<ReloadOutcome>(daemonSocket(flags.config), '/v1/reload', {})
  if (flags.json) printJson(this, outcome)
  else {
    for (const problem of outcome.problems) warn(this, problemText(problem))
    if (outcome.ok) print(this, outcome.changes.join('\n') || 'Nothing has changed')
    else warn(this, 'Nothing was changed')
  }
  if (!outcome.ok) this.process.exitCode = exit.config
}

/** Lifts every ban from the kernel; they come back at the next start. */
export async function stop(this: Context, flags: CommonFlags): Promise<void> {
  const socket = daemonSocket(flags.config)
  await ask(socket, '/v1/stop', { keep: false })
  await until(async () => (await startedMs(socket)) === undefined, 'The daemon has not stopped')
  if (flags.json) printJson(this, { stopped: true })
  else print(this, 'Stopped; every ban is lifted from the kernel and comes back at the next start')
}

/** Replaces the running process by the program as it now is on disk; bans stay in the kernel meanwhile. */
export async function restart(this: Context, flags: CommonFlags): Promise<void> {
  const { pid, version } = await restartDaemon(daemonSocket(flags.config))
  if (flags.json) printJson(this, { restarted: true, pid, version })
  else print(this, `Restarted: tocsin ${version}, pid ${pid}; bans stayed in force`)
}
