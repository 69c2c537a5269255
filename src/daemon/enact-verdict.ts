import type { Bans } from '../bans/bans.js'
import type { Enactment } from '../bans/enactment.js'
import type { Judgement } from '../jail/jail.js'

/** Carries out what a jail has decided. Where somebody protected is in the network that was meant, only the address itself is banned. */
export function enactVerdict(bans: Bans, { ban, alone }: Extract<Judgement, { kind: 'ban' }>): Enactment {
  const enactment = bans.enact(ban)
  return enactment.kind === 'refused' && alone !== undefined ? bans.enact(alone) : enactment
}
