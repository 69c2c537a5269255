import { ask } from '../../api/client.js'
import type { UnbanOutcome } from '../../api/operations.js'
import { CommandFailure, type CommonFlags, type Context, exit, print, printJson } from '../context.js'
import { daemonSocket } from '../daemon-socket.js'
import { harmless } from '../render.js'

export interface UnbanFlags extends CommonFlags {
  all?: boolean
  jail?: string
}

export async function unban(this: Context, flags: UnbanFlags, ...ips: string[]): Promise<void> {
  if (ips.length === 0 && !flags.all) throw new CommandFailure('Say which address to unban, or --all', exit.usage)
  const request = { ips, all: flags.all === true, jail: flags.jail }
  const outcomes = await ask<UnbanOutcome[]>(daemonSocket(flags.config), '/v1/unban', request)
  if (flags.json) printJson(this, outcomes)
  else print(this, flags.all ? allText(outcomes) : outcomes.map(outcomeText).join('\n'))
  if (!flags.all && outcomes.some((outcome) => outcome.lifted === 0)) this.process.exitCode = exit.failed
}

function outcomeText({ ip, lifted, stillIn = [] }: UnbanOutcome): string {
  const itself =
    lifted === 0
      ? `${harmless(ip)} is not banned`
      : `${harmless(ip)} unbanned${lifted > 1 ? ` in ${lifted} jails` : ''}`
  const networks = stillIn.map(
    (ban) => `  but it is in ${ban.ip}, banned in ${harmless(ban.jail)}; 'unban ${ban.ip}' lifts that`,
  )
  return [itself, ...networks].join('\n')
}

function allText(outcomes: UnbanOutcome[]): string {
  const lifted = outcomes.reduce((sum, outcome) => sum + outcome.lifted, 0)
  return `${lifted} ban${lifted === 1 ? '' : 's'} lifted`
}
