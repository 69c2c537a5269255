import { ask } from '../../../api/client.js'
import type { FleetModeName, FleetModeOutcome, FleetModeView, FleetView } from '../../../api/fleet-operations.js'
import { CommandFailure, type CommonFlags, type Context, exit, print, printJson } from '../../context.js'
import { daemonSocket } from '../../daemon-socket.js'
import { harmless, timeText } from '../../render.js'

export interface ModeFlags extends CommonFlags {
  here?: boolean
}

const modes = ['off', 'simulate', 'enforce'] as const

/** How far the words of others go: shown, or set for all machines, or for this one. */
export async function mode(this: Context, flags: ModeFlags, wanted?: string): Promise<void> {
  const socket = daemonSocket(flags.config)
  if (wanted === undefined) {
    const { mode: view } = await ask<FleetView>(socket, '/v1/fleet')
    if (flags.json) printJson(this, view)
    else print(this, modeText(view))
    return
  }
  const known = modes.find((one) => one === wanted)
  if (known === undefined)
    throw new CommandFailure(`${harmless(wanted)} is no mode: there are ${modes.join(', ')}`, exit.usage)
  const request = { mode: known, ...(flags.here && { here: true }) }
  const outcome = await ask<FleetModeOutcome>(socket, '/v1/fleet/mode', request)
  if (flags.json) printJson(this, outcome)
  else print(this, `${modeText(outcome)}${tellings[outcome.toldOthers ?? 'here']}`)
}

const tellings = {
  now: '. All others are told, those that are away when they are back',
  later: '. The others are told when there is a way to them; there is none at present',
  here: '',
}

const meanings: Record<FleetModeName, string> = {
  off: 'the words of others have no effect',
  simulate: 'what others tell is decided and logged, and not enforced',
  enforce: 'whom others ban is banned',
}

/** What holds here, and why. */
export function modeText({ mode: holding, told, here, configured }: FleetModeView): string {
  const reasons = [
    told === null ? '' : `${told.mode} for all since ${timeText(told.atMs)}`,
    here === null ? '' : `${here} by --here`,
    configured === 'enforce' ? '' : `${configured} by [fleet] mode`,
  ].filter(Boolean)
  return `The mode is ${holding}: ${meanings[holding]}${reasons.length === 0 ? '' : ` (${reasons.join(', ')})`}`
}
