import { setTimeout as pause } from 'node:timers/promises'
import { ask } from '../api/client.js'
import type { Operations, Status, StopOutcome } from '../api/operations.js'
import { CommandFailure, exit } from './context.js'
import { problemText } from './problem-text.js'

const waitMaxMs = 30_000

/** Replaces the running process by the program as it now is on disk; bans stay in the kernel meanwhile. Throws a sentence where it was not done. */
export async function restartDaemon(socket: string): Promise<{ pid: number; version: string }> {
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
  return { pid, version }
}

/** When the daemon started that runs now; undefined: none does. */
export async function startedMs(socket: string): Promise<number | undefined> {
  try {
    return (await ask<Status>(socket, '/v1/status')).startedMs
  } catch {
    return undefined // Between the end of the one and the start of the other nobody answers.
  }
}

/** Throws when it has not become true in half a minute. */
export async function until(isTrue: () => Promise<boolean>, otherwise: string): Promise<void> {
  const deadline = Date.now() + waitMaxMs
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new CommandFailure(`${otherwise} within ${waitMaxMs / 1000} s; its log says why`)
    await pause(20)
  }
}
