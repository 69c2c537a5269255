import type {
  FleetDrillOutcome,
  FleetModeName,
  FleetModeOutcome,
  FleetReleaseOutcome,
  FleetUnbanOutcome,
} from '../../api/fleet-operations.js'
import { parseIp } from '../../domain/address.js'
import { messageOf } from '../../lib/error-message.js'
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
    return { refused: messageOf(error) }
  }
}

/** Ends the quarantine of a member on this machine. */
export function releaseInFleet({ fleet }: State, name: string): FleetReleaseOutcome | { refused: string } {
  if (fleet === undefined) return { refused: inNoFleet }
  try {
    const { cause, sinceMs } = fleet.release(name) ?? {}
    const quarantine = cause === undefined || sinceMs === undefined ? null : { cause, sinceMs }
    return { name, quarantine, words: fleet.view.members.find((member) => member.name === name)?.words ?? 0 }
  } catch (error) {
    return { refused: messageOf(error) }
  }
}

/** Bans an address of nobody's on all machines for a moment. */
export async function drillInFleet({ fleet }: State, forMs: number): Promise<FleetDrillOutcome | { refused: string }> {
  if (fleet === undefined) return { refused: inNoFleet }
  try {
    return await fleet.drill(forMs)
  } catch (error) {
    return { refused: messageOf(error) }
  }
}

/** How far the words of others go, everywhere or on this machine alone. */
export async function setFleetMode(
  { fleet }: State,
  { mode, here = false }: { mode: FleetModeName; here?: boolean | undefined },
): Promise<FleetModeOutcome | { refused: string }> {
  if (fleet === undefined) return { refused: inNoFleet }
  try {
    const toldOthers = here ? null : (await fleet.operator.setMode(mode)).told
    if (here) fleet.setModeHere(mode)
    return { ...fleet.view.mode, toldOthers }
  } catch (error) {
    return { refused: messageOf(error) }
  }
}

const inNoFleet = 'This machine is in no fleet'
