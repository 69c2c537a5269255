import { ask } from '../../../api/client.js'
import type { FleetUnbanOutcome } from '../../../api/fleet-operations.js'
import { type CommonFlags, type Context, print, printJson } from '../../context.js'
import { daemonSocket } from '../../daemon-socket.js'
import { timeText } from '../../render.js'

/** Lifts all bans of an address on all machines, where the operator's key is. */
export async function unban(this: Context, flags: CommonFlags, ip: string): Promise<void> {
  const outcome = await ask<FleetUnbanOutcome>(daemonSocket(flags.config), '/v1/fleet/unban', { ip })
  if (flags.json) printJson(this, outcome)
  else print(this, textOf(outcome))
}

function textOf({ ip, untilMs, bans }: FleetUnbanOutcome): string {
  const by = bans.map(({ node, jail }) => `${node} (${jail})`).join(', ')
  const before = by === '' ? 'nobody was known to ban it' : `it was banned by ${by}`
  return `${ip} is lifted in the whole fleet; ${before}. Machines that are away learn of it until ${timeText(untilMs)}`
}
