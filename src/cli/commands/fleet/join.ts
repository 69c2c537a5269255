import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { readToken } from '../../../fleet/enrolment/invitation.js'
import { join as joinFleet } from '../../../fleet/enrolment/join.js'
import { systemClock } from '../../../lib/clock.js'
import { type CommonFlags, type Context, print, printJson, warn } from '../../context.js'
import { durationText } from '../../render.js'
import { addFleetSection, placeOf, told } from './place.js'
import { inUseText, putIntoUse } from './put-into-use.js'

/** Makes this machine a member. `-` reads the token from standard input, where no other user can see it. */
export async function join(this: Context, flags: CommonFlags, token: string): Promise<void> {
  const { dir, configDir, settings } = placeOf(flags.config)
  const invitation = await told(() => readToken(token === '-' ? readFileSync(0, 'utf8') : token))
  const onClock = (aheadMs: number) => sayClock(this, aheadMs)
  const facts = await told(() => joinFleet(dir, invitation, systemClock.now(), { onClock }))
  const lines = wayOf(facts.url)
  const wanted = Object.entries(lines).map(([key, value]) => `${key} = ${value}`)
  if (!addFleetSection(configDir, lines) && settings.transport !== lines.transport)
    warn(this, `tocsin.local has a [fleet] section, which is left as it is; it should say: ${wanted.join(', ')}`)
  const use = await putIntoUse(this, configDir, facts)
  if (flags.json) printJson(this, { fleet: facts.fleet, name: facts.name, url: facts.url, dir: dir.path, ...use })
  else
    print(
      this,
      `This machine is ${facts.name} in the fleet ${facts.fleet}; its keys are in ${dir.path} and nowhere else
${hintOf(facts.url)}${inUseText(use, configDir)}`,
    )
}

/** What is dated ten minutes ahead is refused by everybody (trust/judge); said long before that. */
const clockMsMax = 60_000

function sayClock(context: Context, aheadMs: number): void {
  if (Math.abs(aheadMs) < clockMsMax) return
  const way = aheadMs > 0 ? 'ahead of' : 'behind'
  warn(
    context,
    `The clock of this machine is ${durationText(Math.abs(aheadMs))} ${way} that of the machine that has invited it. From ten minutes on the others do not believe what it says: set it right`,
  )
}

/** What tocsin.local has to say of the way to the others. */
function wayOf(url: string): { transport: string; path?: string } {
  return url.startsWith('file:') ? { transport: 'file', path: fileURLToPath(url) } : { transport: 'nats' }
}

function hintOf(url: string): string {
  if (!url.startsWith('file:')) return ''
  return `The fleet shares ${fileURLToPath(url)}; where it is mounted elsewhere here, say so in path, in tocsin.local\n`
}
