import type { Ip } from '../domain/address.js'
import type { Ban } from '../domain/ban.js'
import type { Enforcer } from '../domain/enforcer.js'
import type { Clock } from '../lib/clock.js'
import type { Log } from '../lib/log.js'
import type { BanRecords } from './ban-records.js'
import type { BanWatcher, Note } from './news.js'

/** What the gate asks of the rest of the daemon: who makes bans real, who keeps them, and who has a say before one begins. */
export interface BansOptions {
  clock: Clock
  log: Log
  enforcer: Enforcer
  store: BanRecords
  /** Why this address or network may not be banned in this jail; undefined: it may. */
  protection(ip: Ip, jail: string): string | undefined
  actions?: BanWatcher
  /** Whether the enforcer has a scope for the jail; missing: for every jail. Bans of the others are real when `setEnforced` says so. */
  isInKernel?(jail: string): boolean
  /** Whether others know the bans of this jail, too, and tell them again when they are lost: they are written down after the rest. Missing: of none. */
  isElsewhere?(jail: string): boolean
  /** Whether the jail has actions that take any text as an id; missing: none has. */
  mayBanText?(jail: string): boolean
  /** Counts a new ban that a jail has decided; the reason why it is not to be enforced, undefined: it is. */
  holdBack?(ban: Ban, ip: Ip | undefined): string | undefined
  /** For how long a ban that is about to begin really is to last; undefined: as it says. */
  lengthen?(ban: Ban): { durationMs: number; count: number; notes: readonly Note[] } | undefined
}
