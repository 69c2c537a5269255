import type { Bans } from '../bans/bans.js'
import type { Enactment } from '../bans/enactment.js'
import type { Judgement } from '../jail/jail.js'
import type { FleetPart } from './fleet/fleet-part.js'
import type { JailUnit } from './jails.js'

type Decided = Exclude<Judgement, { kind: 'ignored' }>

/** Bans whom a jail has decided to ban; of whom it has not, the others may want to know. */
export function carryOut(
  judgement: Decided,
  { unit, id }: { unit: JailUnit; id: string },
  { bans, fleet }: { bans: Bans; fleet: Pick<FleetPart, 'counted'> | undefined },
): void {
  if (judgement.kind === 'counted') fleet?.counted(unit, id, judgement)
  // A ban is told when it is real; what leads to none here may to one elsewhere.
  else if (enactVerdict(bans, judgement).kind !== 'enacted') {
    const { failures } = judgement.ban
    fleet?.counted(unit, id, { retries: failures, weight: failures })
  }
}

/** Carries out what a jail has decided. Where somebody protected is in the network that was meant, only the address itself is banned. */
export function enactVerdict(bans: Bans, { ban, alone }: Extract<Judgement, { kind: 'ban' }>): Enactment {
  const enactment = bans.enact(ban)
  return enactment.kind === 'refused' && alone !== undefined ? bans.enact(alone) : enactment
}
