import { setTimeout as pause } from 'node:timers/promises'
import { ask } from '../../api/client.js'
import type { Operations, ReloadOutcome, Status, StopOutcome } from '../../api/operations.js'
import { CommandFailure, type CommonFlags, type Context, exit, print, printJson, warn } from '../context.js'
import { daemonSocket } from '../daemon-socket.js'
import { problemText } from '../problem-text.js'

const waitMaxMs = 30_000

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
  const socket = daemonSocket(flags.config)
  const before = (await ask<Status>(socket, '/v1/status')).startedMs
  const outcome = await ask<StopOutcome>(socket, '/v1/stop', { keep: true })
  if (!outcome.ok) {
    const reasons = outcome.problems.map(problemText).join('\n')
    throw new CommandFailure(
      `${reasons}\nNot restarted: with this configuration it would not start; the daemon runs on as it is`,
      exit.config,
    )
  }
  const isNew = async () => {
    const now = await startedMs(socket)
    return now !== undefined && now !== before
  }
  await until(isNew, 'The daemon has not come back')
  const { pid, version } = await ask<ReturnType<Operations['version']>>(socket, '/v1/version')
  if (flags.json) printJson(this, { restarted: true, pid, version })
  else print(this, `Restarted: tocsin ${version}, pid ${pid}; bans stayed in force`)
}

async function startedMs(socket: string): Promise<number | undefined> {
  try {
    return (await ask<Status>(socket, '/v1/status')).startedMs
  } catch {
    return undefined // Between the end of the one and the start of the other nobody answers.
  }
}

async function until(isTrue: () => Promise<boolean>, otherwise: string): Promise<void> {
  const deadline = Date.now() + waitMaxMs
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new CommandFailure(`${otherwise} within ${waitMaxMs / 1000} s; its log says why`)
    await pause(20)
  }
}
