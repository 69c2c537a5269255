import { ask } from '../../api/client.js'
import type { ResumeOutcome } from '../../api/operations.js'
import { parseDurationMs } from '../../config/duration.js'
import { CommandFailure, type CommonFlags, type Context, exit, print, printJson } from '../context.js'
import { daemonSocket } from '../daemon-socket.js'
import { harmless } from '../render.js'

export interface ResumeFlags extends CommonFlags {
  for?: string
}

/** A jail that bans too much at once is right: it enforces again. */
export async function resume(this: Context, flags: ResumeFlags, jail: string): Promise<void> {
  const request = { jail, ...(flags.for !== undefined && { forMs: durationOf(flags.for) }) }
  const outcome = await ask<ResumeOutcome>(daemonSocket(flags.config), '/v1/resume', request)
  if (flags.json) printJson(this, outcome)
  else
    print(
      this,
      outcome.result === 'resumed'
        ? `${harmless(jail)} enforces again; ${outcome.enforced} bans that were held back have begun`
        : `${harmless(jail)} holds nothing back`,
    )
  if (outcome.result === 'nothing') this.process.exitCode = exit.failed
}

function durationOf(text: string): number {
  const durationMs = parseDurationMs(text)
  if (durationMs === undefined || durationMs < 1000)
    throw new CommandFailure(`--for ${harmless(text)} is not a duration; try 30m, 1h or 1d`, exit.usage)
  return durationMs
}
