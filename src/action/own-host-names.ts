import { lookup, lookupService } from 'node:dns/promises'
import { hostname } from 'node:os'
import type { Clock } from '../lib/clock.js'

/** Names of this machine, for `<fq-hostname>` and `<sh-hostname>`. */
export interface OwnHostNames {
  full: string
  short: string
}

/** A resolver that does not answer must not keep the actions from starting. */
const answerMsMax = 2000

/** The full name is the one that the resolver (usually /etc/hosts) has for our own address; without one it is the short name. */
export async function ownHostNames(clock: Clock): Promise<OwnHostNames> {
  const short = hostname()
  const late = new Promise<string>((resolve) => clock.after(answerMsMax, () => resolve(short)))
  return { short, full: await Promise.race([fullName(short), late]) }
}

async function fullName(short: string): Promise<string> {
  try {
    const { address } = await lookup(short)
    const { hostname: name } = await lookupService(address, 0)
    return name.includes('.') && name !== address ? name : short
  } catch {
    return short // Nobody knows our name; the short one is what Fail2ban prints then, too.
  }
}
