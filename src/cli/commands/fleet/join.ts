import { readFileSync } from 'node:fs'
import { readToken } from '../../../fleet/enrolment/invitation.js'
import { join as joinFleet } from '../../../fleet/enrolment/join.js'
import { systemClock } from '../../../lib/clock.js'
import { type CommonFlags, type Context, print, printJson, warn } from '../../context.js'
import { addFleetSection, placeOf, told } from './place.js'

/** Makes this machine a member. `-` reads the token from standard input, where no other user can see it. */
export async function join(this: Context, flags: CommonFlags, token: string): Promise<void> {
  const { dir, configDir, settings } = placeOf(flags.config)
  const invitation = await told(() => readToken(token === '-' ? readFileSync(0, 'utf8') : token))
  const facts = await told(() => joinFleet(dir, invitation, systemClock.now()))
  if (!addFleetSection(configDir, { transport: 'nats' }) && settings.transport !== 'nats')
    warn(this, 'tocsin.local has a [fleet] section, which is left as it is; it should say: transport = nats')
  if (flags.json) printJson(this, { fleet: facts.fleet, name: facts.name, url: facts.url, dir: dir.path })
  else
    print(
      this,
      `This machine is ${facts.name} in the fleet ${facts.fleet}; its keys are in ${dir.path} and nowhere else
Next: tocsin restart -c ${configDir}   (or: tocsin serve)`,
    )
}
