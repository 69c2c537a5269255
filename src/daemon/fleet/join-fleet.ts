import { FleetDir } from '../../fleet/enrolment/fleet-dir.js'
import type { State } from '../state.js'
import { FleetNode } from './fleet-node.js'

/** Brings this machine to the others, if `[fleet] transport` asks for it. What keeps it from that is told, and it protects itself all the same. */
export async function joinFleet(state: State, say: (sentence: string) => void): Promise<void> {
  const { config, log } = state
  if (config.own.fleet.transport === 'local') return
  try {
    if (config.own.fleet.transport === 'file') throw new Error('transport = file is not there yet; use nats')
    const dir = new FleetDir(config.dir)
    const node = new FleetNode(state, dir)
    state.fleet = node
    await node.start(dir)
  } catch (error) {
    const text = `This machine is alone: ${error instanceof Error ? error.message : String(error)}`
    log.write('ERROR', 'fleet', text)
    say(text)
  }
}
