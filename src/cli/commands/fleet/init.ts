import type { FleetFacts } from '../../../fleet/enrolment/fleet-dir.js'
import { finish, found } from '../../../fleet/enrolment/found.js'
import { brokerUrls } from '../../../fleet/nats/broker-urls.js'
import { writeServerFiles } from '../../../fleet/nats/managed.js'
import { findServerProgram } from '../../../fleet/nats/server-program.js'
import { systemClock } from '../../../lib/clock.js'
import { CommandFailure, type Context, print, printJson, warn } from '../../context.js'
import { type InitFlags, type Wish, wishOf } from './init-wish.js'
import { addFleetSection, isSaid, type Place, placeOf, told } from './place.js'
import { type InUse, inUseText, putIntoUse } from './put-into-use.js'

/** Makes a fleet. Done twice, the second time changes nothing; what the first one could not end, it ends. */
export async function init(this: Context, flags: InitFlags): Promise<void> {
  const place = placeOf(flags.config)
  const wish = wishOf(flags)
  const known = await told(() => place.dir.facts())
  if (known !== undefined && known.role !== 'hub')
    throw new CommandFailure(
      `This machine is ${known.name} in the fleet ${known.fleet} already; it cannot make another`,
    )
  if (flags.address !== undefined && wish.listen === undefined)
    warn(this, '--address has no effect without a broker of ours: where machines join is said by --listen ADDR:PORT')
  const facts = await told(() => (known === undefined ? make(this, place, wish) : complete(place, known)))
  const made = {
    created: known === undefined,
    fleet: facts.fleet,
    name: facts.name,
    url: facts.url,
    dir: place.dir.path,
  }
  const use = await putIntoUse(this, place.configDir, facts)
  if (flags.json) printJson(this, { ...made, ...use })
  else print(this, textOf(made, use, place))
}

/** In an order in which it may be interrupted anywhere: with `fleet.json` there is a fleet, and what comes behind it `complete` does, too. */
async function make(context: Context, place: Place, { lines, listen, ...founding }: Wish): Promise<FleetFacts> {
  const nowMs = systemClock.now()
  if (listen !== undefined) {
    const { warning } = await findServerProgram()
    if (warning !== undefined) warn(context, warning)
  }
  if (!addFleetSection(place.configDir, lines) && !isSaid(place, lines)) {
    const wanted = Object.entries(lines).map(([key, value]) => `${key} = ${value}`)
    warn(context, `tocsin.local has a [fleet] section, which is left as it is; it should say: ${wanted.join(', ')}`)
  }
  const facts = found(place.dir, { ...founding, nowMs })
  writeBrokerFiles(place, facts, listen)
  return facts
}

/** What a first time that was interrupted has left to do. */
function complete(place: Place, facts: FleetFacts): FleetFacts {
  const { dir, settings } = place
  if (dir.operatorSeed() === undefined) return facts
  finish(dir, facts, systemClock.now())
  const files = serverFileNames(facts.url)
  if (files.some((file) => dir.read(file) === undefined))
    writeBrokerFiles(place, facts, settings.server === 'managed' ? settings.listen : undefined)
  return facts
}

/** For brokers that others run it is what they have to run; for ours the daemon writes it anew at each start. */
function writeBrokerFiles({ dir, stateDir }: Place, { url }: FleetFacts, listen: Wish['listen']): void {
  if (!url.startsWith('file:')) writeServerFiles({ dir, stateDir, listen, nowMs: systemClock.now() })
}

function serverFileNames(url: string): string[] {
  if (url.startsWith('file:')) return []
  const count = brokerUrls(url).length
  return count === 1 ? ['nats-server.conf'] : Array.from({ length: count }, (_, i) => `nats-server-${i + 1}.conf`)
}

function textOf(
  made: { created: boolean; fleet: string; name: string; url: string; dir: string },
  use: InUse,
  { configDir }: Place,
): string {
  const { created, fleet, name, url, dir } = made
  const first = created ? `The fleet ${fleet} is made` : `The fleet ${fleet} was made already; nothing is changed`
  const way = url.startsWith('file:') ? 'the shared file' : 'the broker'
  return `${first}: this machine is ${name}, ${way} ${url}, keys and certificates in ${dir}
Keep a copy of operator.seed and authority.key in a safe place: who has them decides who is in.
${inUseText(use, configDir)}
For each further machine: tocsin fleet invite NAME -c ${configDir}`
}
