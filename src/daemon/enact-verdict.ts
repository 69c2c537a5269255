import type { Bans } from '../bans/bans.js'
import type { Judgement } from '../jail/jail.js'

/** Carries out what a jail has decided. Where somebody protected is in the network that was meant, only the address itself is banned. */
export function enactVerdict(bans: Bans, { ban, alone }: Extract<Judgement, { kind: 'ban' }>): void {
  const enactment = bans.enact(ban)
  if (enactment.kind === 'refused' && alone !== undefined) bans.enact(alone)
}
