import { operatorName } from '../../../fleet/enrolment/fleet-dir.js'
import { tokenOf } from '../../../fleet/enrolment/invitation.js'
import { makeInvite } from '../../../fleet/enrolment/invites.js'
import { isNodeName, type Level, levels } from '../../../fleet/member.js'
import { hostsOf } from '../../../fleet/nats/broker-urls.js'
import { pinOf } from '../../../fleet/nats/certificates.js'
import { isWildcard, ownAddresses } from '../../../fleet/nats/managed.js'
import { systemClock } from '../../../lib/clock.js'
import { CommandFailure, type CommonFlags, type Context, exit, print, printJson, warn } from '../../context.js'
import { daemonSocket } from '../../daemon-socket.js'
import { startedMs } from '../../restart-daemon.js'
import { placeOf, told } from './place.js'

export interface InviteFlags extends CommonFlags {
  level?: string
}

/** Prints a token that lets one machine join, alone on the last line. */
export async function invite(this: Context, flags: InviteFlags, name: string): Promise<void> {
  const level = levelOf(flags.level ?? 'own')
  if (!isNodeName(name) || name === operatorName) throw badName(name)
  const { dir, settings } = placeOf(flags.config)
  const facts = await told(() => dir.facts())
  const authority = await told(() => dir.authority())
  if (facts === undefined || authority === undefined || (await told(() => dir.operatorSeed())) === undefined)
    throw new CommandFailure(`There is no operator's key in ${dir.path}: invite where 'tocsin fleet init' was run`)
  if (settings.enrol === undefined)
    throw new CommandFailure(
      'Nobody can join: tocsin.local says nothing of enrol in [fleet]; write enrol = 0.0.0.0:4723',
    )
  // A broker that others run is somewhere else; machines join here.
  const [host] = settings.server === 'managed' ? hostsOf(facts.url) : [reachable(settings.enrol.host)]
  if (host === undefined) throw new CommandFailure(`Cannot tell the address of this machine from ${facts.url}`)
  const { id, secret, expiresMs } = await told(() => makeInvite(dir, { name, level }, systemClock.now()))
  if ((await startedMs(daemonSocket(flags.config))) === undefined)
    warn(this, 'No daemon is running here, so nobody can join yet: tocsin serve')
  const { fleet } = facts
  const pin = pinOf(authority.certificate)
  const token = tokenOf({ fleet, name, host, port: settings.enrol.port, pin, id, secret, expiresMs })
  const expires = new Date(expiresMs).toISOString()
  if (flags.json) printJson(this, { fleet, name, level, token, expiresMs })
  else
    print(
      this,
      `${name} joins with 'tocsin fleet join TOKEN', once, until ${expires}. The token is a secret:\n${token}`,
    )
}

function badName(name: string): CommandFailure {
  const text = `${JSON.stringify(name)} cannot be a machine's name: 1 to 32 of a-z, 0-9 and -, and not ${operatorName}`
  return new CommandFailure(text, exit.usage)
}

function levelOf(text: string): Level {
  const level = levels.find((one) => one === text)
  if (level !== undefined) return level
  throw new CommandFailure(`--level ${JSON.stringify(text)} is none of ${levels.join(', ')}`, exit.usage)
}

function reachable(host: string): string | undefined {
  return isWildcard(host) ? ownAddresses()[0] : host
}
