import type { MemberRecord } from '../../../fleet/enrolment/fleet-dir.js'
import { type CommonFlags, type Context, print, printJson } from '../../context.js'
import { placeOf, told } from './place.js'

/** Who belongs to the fleet, as the machine knows that lets others in. */
export async function members(this: Context, flags: CommonFlags): Promise<void> {
  const { dir } = placeOf(flags.config)
  const all = await told(() => dir.members())
  const views = all.map(({ name, role, level, sinceMs, revokedAtMs = null }) => ({
    name,
    role,
    level,
    sinceMs,
    revokedAtMs,
  }))
  if (flags.json) printJson(this, views)
  else if (views.length === 0)
    print(this, 'No members are known here: this is not the machine where the fleet was made')
  else print(this, views.map(lineOf).join('\n'))
}

function lineOf({
  name,
  level,
  sinceMs,
  revokedAtMs,
}: Pick<MemberRecord, 'name' | 'level' | 'sinceMs'> & { revokedAtMs: number | null }): string {
  const until = revokedAtMs === null ? '' : `, revoked ${new Date(revokedAtMs).toISOString()}`
  return `${name.padEnd(32)} ${level.padEnd(9)} since ${new Date(sinceMs).toISOString()}${until}`
}
