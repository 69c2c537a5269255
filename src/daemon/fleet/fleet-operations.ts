import type { FleetUnbanOutcome } from '../../api/fleet-operations.js'
import { parseIp } from '../../domain/address.js'
import type { State } from '../state.js'

/** Lifts all bans of an address in the whole fleet, this machine's too. */
export async function unbanInFleet(state: State, text: string): Promise<FleetUnbanOutcome | { refused: string }> {
  const { fleet, bans, positions } = state
  if (fleet === undefined) return { refused: inNoFleet }
  const ip = parseIp(text)
  if (ip === undefined) return { refused: `${JSON.stringify(text)} is neither an address nor a network` }
  try {
    const outcome = await fleet.operator.lift(ip)
    await bans.settled()
    // As with every unban: the lines behind these bans are not read again.
    positions.save()
    return outcome
  } catch (error) {
    return { refused: error instanceof Error ? error.message : String(error) }
  }
}

const inNoFleet = 'This machine is in no fleet'
