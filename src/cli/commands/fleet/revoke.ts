import { expel } from '../../../fleet/enrolment/membership.js'
import { serverFiles, writeServerFiles } from '../../../fleet/nats/managed.js'
import { reloadServer } from '../../../fleet/nats/supervise.js'
import { systemClock } from '../../../lib/clock.js'
import { CommandFailure, type CommonFlags, type Context, print, printJson } from '../../context.js'
import { placeOf, told } from './place.js'

/** Puts a machine out of the fleet: its card and its words are void. Done twice, the second time changes nothing. */
export async function revoke(this: Context, flags: CommonFlags, name: string): Promise<void> {
  const { dir, settings, stateDir } = placeOf(flags.config)
  const facts = await told(() => dir.facts())
  if (facts?.name === name)
    throw new CommandFailure(`${name} is this machine, which holds the fleet's keys; it cannot be revoked`)
  if ((await told(() => dir.operatorSeed())) === undefined)
    throw new CommandFailure(`There is no operator's key in ${dir.path}: revoke where 'tocsin fleet init' was run`)
  const nowMs = systemClock.now()
  const { revokedAtMs } = await told(() => expel(dir, name, nowMs))
  const isFile = facts?.url.startsWith('file:') === true
  // Brokers that others run need the same configuration.
  const { listen, url } = settings
  if (!isFile) await told(() => writeServerFiles({ dir, stateDir, listen, url, nowMs }))
  const isManaged = settings.server === 'managed'
  const isCutOff = isManaged && reloadServer(serverFiles(dir))
  if (flags.json) printJson(this, { name, revokedAtMs, isCutOff })
  else if (isFile) print(this, `${name} is revoked: its words are void as soon as this machine's daemon has told it`)
  else print(this, `${name} is revoked: ${whatIsLeft(isCutOff, isManaged, dir.path)}`)
}

function whatIsLeft(isCutOff: boolean, isManaged: boolean, dir: string): string {
  if (isCutOff) return 'the broker has cut it off'
  if (isManaged) return 'the broker refuses it from its next start on'
  return `its words are; for the broker to refuse it, bring ${dir}/nats-server*.conf to it and reload it`
}
