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
  const nowMs = systemClock.now()
  const { revokedAtMs } = await told(() => expel(dir, name, nowMs))
  const { listen, server } = settings
  if (listen !== undefined) await told(() => writeServerFiles({ dir, stateDir, listen, nowMs }))
  const isCutOff = server === 'managed' && reloadServer(serverFiles(dir))
  if (flags.json) printJson(this, { name, revokedAtMs, isCutOff })
  else
    print(
      this,
      `${name} is revoked: ${isCutOff ? 'the broker has cut it off' : 'the broker refuses it from its next start on'}`,
    )
}
