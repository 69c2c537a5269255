import { ask } from '../../api/client.js'
import type { BanOutcome, BanRequest } from '../../api/operations.js'
import { parseDurationMs } from '../../config/duration.js'
import { CommandFailure, type CommonFlags, type Context, exit, print, printJson } from '../context.js'
import { daemonSocket } from '../daemon-socket.js'
import { colour, durationText, harmless } from '../render.js'

export interface BanFlags extends CommonFlags {
  jail?: string
  for?: string
  permanent?: boolean
  force?: boolean
}

export async function ban(this: Context, flags: BanFlags, ...ips: string[]): Promise<void> {
  const request: BanRequest = { ips, jail: flags.jail, force: flags.force, ...durationOf(flags) }
  const outcomes = await ask<BanOutcome[]>(daemonSocket(flags.config), '/v1/bans', request)
  if (flags.json) printJson(this, outcomes)
  else for (const outcome of outcomes) print(this, outcomeText(outcome))
  if (outcomes.some((outcome) => outcome.result === 'refused')) this.process.exitCode = exit.failed
}

function durationOf(flags: BanFlags): Pick<BanRequest, 'durationMs' | 'permanent'> {
  if (flags.permanent) return { permanent: true }
  if (flags.for === undefined) return {}
  const durationMs = parseDurationMs(flags.for)
  if (durationMs === undefined) {
    throw new CommandFailure(
      `--for ${harmless(flags.for)} is not a duration; try 10m, 1h, 2d 12h, or -1 for permanent`,
      exit.usage,
    )
  }
  return durationMs < 0 ? { permanent: true } : { durationMs }
}

function outcomeText(outcome: BanOutcome): string {
  const who = `${harmless(outcome.ip)} in ${outcome.jail}`
  const left = outcome.endMs === null ? 'for good' : `for ${durationText((outcome.endMs ?? 0) - Date.now())}`
  switch (outcome.result) {
    case 'refused':
      return colour.bad(
        `${harmless(outcome.ip)}: refused: ${harmless(outcome.reason ?? '')}${outcome.canForce ? '; --force overrides that' : ''}`,
      )
    case 'already':
      return `${who}: already banned ${left}`
    case 'banned':
    case 'extended': {
      const doubts = [enforcementDoubt(outcome), outcome.saved ? '' : 'not saved yet']
      const doubt = doubts.filter(Boolean).join(', ')
      return `${who}: ${outcome.result} ${left}${doubt === '' ? '' : colour.careful(` (${doubt})`)}`
    }
  }
}

function enforcementDoubt({ enforced, simulated }: BanOutcome): string {
  if (simulated) return 'simulated only'
  return enforced ? '' : 'not enforced yet, see tocsin status'
}
