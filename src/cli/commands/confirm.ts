import { ask } from '../../api/client.js'
import type { ConfirmOutcome } from '../../api/operations.js'
import { type CommonFlags, type Context, exit, print, printJson } from '../context.js'
import { daemonSocket } from '../daemon-socket.js'
import { colour, durationText, harmless } from '../render.js'

/** Bans on trial become what they were meant to be. */
export async function confirm(this: Context, flags: CommonFlags, ...ids: string[]): Promise<void> {
  const outcomes = await ask<ConfirmOutcome[]>(daemonSocket(flags.config), '/v1/confirm', { ids })
  if (flags.json) printJson(this, outcomes)
  else print(this, outcomes.map(confirmText).join('\n'))
  if (outcomes.some(({ result }) => result !== 'confirmed')) this.process.exitCode = exit.failed
}

export function confirmText({ ip, jail, result, endMs }: ConfirmOutcome): string {
  switch (result) {
    case 'confirmed': {
      const left = endMs === null || endMs === undefined ? 'for good' : `for ${durationText(endMs - Date.now())}`
      return `${harmless(ip)} in ${jail}: confirmed, banned ${left}`
    }
    case 'over':
      return colour.bad(`${harmless(ip)} in ${jail}: it has been lifted meanwhile`)
    case 'unknown':
      return colour.bad(
        `${harmless(ip)}: no such ban waits for its confirmation; 'tocsin protected' lists those that do`,
      )
  }
}
