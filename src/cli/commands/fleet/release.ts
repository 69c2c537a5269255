import { ask } from '../../../api/client.js'
import type { FleetReleaseOutcome } from '../../../api/fleet-operations.js'
import { type CommonFlags, type Context, print, printJson } from '../../context.js'
import { daemonSocket } from '../../daemon-socket.js'
import { countText, timeText } from '../../render.js'

/** Ends the quarantine of a member on this machine. Done twice, the second time changes nothing. */
export async function release(this: Context, flags: CommonFlags, name: string): Promise<void> {
  const outcome = await ask<FleetReleaseOutcome>(daemonSocket(flags.config), '/v1/fleet/release', { name })
  if (flags.json) printJson(this, outcome)
  else print(this, textOf(outcome))
}

function textOf({ name, quarantine, words }: FleetReleaseOutcome): string {
  if (quarantine === null) return `${name} is not in quarantine here`
  const { cause, sinceMs } = quarantine
  return `${name} is released from quarantine (${cause}, since ${timeText(sinceMs)}); ${countText(words)} words of it count here again`
}
