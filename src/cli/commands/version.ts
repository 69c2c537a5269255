import { ask } from '../../api/client.js'
import type { Operations } from '../../api/operations.js'
import { version as ours } from '../../lib/version.js'
import { type CommonFlags, type Context, print, printJson } from '../context.js'
import { daemonSocket } from '../daemon-socket.js'

/** Our own version, and the daemon's where one answers. */
export async function version(this: Context, flags: CommonFlags): Promise<void> {
  const daemon = await runningDaemon(flags.config)
  if (flags.json) return printJson(this, { version: ours, daemon: daemon ?? null })
  print(this, ours)
  if (daemon !== undefined && daemon.version !== ours)
    print(this, `The running daemon (pid ${daemon.pid}) is ${daemon.version}; 'tocsin restart' brings it up to date`)
}

async function runningDaemon(config: string | undefined): Promise<ReturnType<Operations['version']> | undefined> {
  try {
    return await ask(daemonSocket(config), '/v1/version')
  } catch {
    return undefined // No daemon, or no configuration: our own version is still right.
  }
}
