import { setTimeout as pause } from 'node:timers/promises'
import { ask } from '../../../api/client.js'
import type { Status } from '../../../api/operations.js'
import { loadConfig } from '../../../config/load.js'
import type { FleetFacts } from '../../../fleet/enrolment/fleet-dir.js'
import { CommandFailure, type Context, warn } from '../../context.js'
import { daemonSocket } from '../../daemon-socket.js'
import { restartDaemon } from '../../restart-daemon.js'

/** What came of it: whether a daemon runs as this member, and whether it has a way to the others by now. */
export interface InUse {
  running: boolean
  connected: boolean
}

/** A broker that was not there yet takes a second. */
const patienceMs = 3000

/** A daemon that runs knows nothing of a fleet that was made or joined meanwhile: it starts anew, with every ban in force. Says what keeps it from that. */
export async function putIntoUse(context: Context, configDir: string, { fleet, name }: FleetFacts): Promise<InUse> {
  const socket = daemonSocket(configDir)
  const isMember = (status: Status | undefined) => status?.fleet?.fleet === fleet && status.fleet.name === name
  let status = await statusOf(socket)
  if (status === undefined) return { running: false, connected: false }
  if (!isMember(status)) {
    try {
      await restartDaemon(socket)
    } catch (error) {
      if (!(error instanceof CommandFailure)) throw error
      warn(context, error.message)
      return { running: false, connected: false }
    }
  }
  const deadline = Date.now() + patienceMs
  for (;;) {
    status = await statusOf(socket)
    const running = isMember(status)
    const connected = running && status?.fleet?.connected === true
    if (connected || !running || Date.now() > deadline) return { running, connected }
    await pause(20)
  }
}

/** In words, and what is left to do. */
export function inUseText({ running, connected }: InUse, configDir: string): string {
  const lines = [
    !running
      ? `Next: tocsin serve -c ${configDir}   (or, where it runs: tocsin restart)`
      : connected
        ? 'The daemon runs with it, and is connected'
        : "The daemon runs with it, and has no way to the others yet: 'tocsin fleet status' says why",
  ]
  if (!hasFleetJail(configDir)) lines.push(jailHint)
  return lines.join('\n')
}

/** A member without such a jail tells whom it bans, and nobody would notice that it does not listen. */
export const jailHint =
  "Nobody is banned here by the word of others yet: that takes a jail with 'backend = fleet' in jail.local, as docs/fleet.md has it; then: tocsin reload"

function hasFleetJail(configDir: string): boolean {
  return loadConfig({ dir: configDir }).config?.jails.some(({ source }) => source.kind === 'fleet') ?? true
}

async function statusOf(socket: string): Promise<Status | undefined> {
  return await ask<Status>(socket, '/v1/status').catch(() => undefined)
}
