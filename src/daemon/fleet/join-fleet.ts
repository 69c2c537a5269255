import { FleetDir } from '../../fleet/enrolment/fleet-dir.js'
import { messageOf } from '../../lib/error-message.js'
import type { State } from '../state.js'
import { banLogWay } from './ban-log-way.js'
import { FleetNode } from './fleet-node.js'
import { natsWay } from './nats-way.js'

/** So long a start waits for the first try. Who does not answer at all takes half a minute: neither what comes after it nor an end waits for that. */
const patienceMs = 1000

/**
 * Makes this machine one of its fleet, if `[fleet] transport` asks for it: from now on its bans are kept with a word for the others. What
 * this returns begins to talk with them. What keeps it from that is told, and the machine protects itself all the same.
 */
export function joinFleet(state: State, say: (sentence: string) => void): () => Promise<void> {
  const alone = (error: unknown) => {
    const text = `This machine is alone: ${messageOf(error)}`
    state.log.write('ERROR', 'fleet', text)
    say(text)
  }
  const { transport } = state.config.own.fleet
  const nothing = () => Promise.resolve()
  if (transport === 'local') return nothing
  try {
    const dir = new FleetDir(state.config.dir)
    const way = transport === 'file' ? banLogWay(state, dir) : natsWay(state, dir)
    const node = new FleetNode(state, dir, way)
    state.fleet = node
    return () => {
      const started = node.start().catch(alone)
      const waited = new Promise<void>((resolve) => void state.clock.after(patienceMs, resolve))
      return Promise.race([started, waited])
    }
  } catch (error) {
    alone(error)
    return nothing
  }
}
