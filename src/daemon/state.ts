import type { Bans } from '../bans/bans.js'
import type { Confirmations } from '../bans/confirmations.js'
import type { HeldBack } from '../bans/held-back.js'
import type { Protection } from '../bans/protection.js'
import type { Login, Sessions } from '../bans/sessions.js'
import type { Config } from '../config/load.js'
import type { SettingsOverrides } from '../config/server-options.js'
import type { Enforcer, Scope } from '../domain/enforcer.js'
import type { Clock } from '../lib/clock.js'
import type { Store } from '../store/store.js'
import type { ActionShop } from './action-shop.js'
import type { AddressLists } from './address-lists.js'
import type { Auditing } from './auditing.js'
import type { Cutting } from './cutting.js'
import type { FleetPart } from './fleet/fleet-part.js'
import type { Followers } from './followers.js'
import type { JailDrops } from './jail-drops.js'
import type { JailUnit } from './jails.js'
import type { Names } from './names.js'
import type { Notifying } from './notifying.js'
import type { Paths } from './paths.js'
import type { Positions } from './positions.js'
import type { Protected } from './protected.js'
import type { Soon } from './soon.js'
import type { SwitchableLog } from './switchable-log.js'

/** Everything a running daemon consists of. Made in `assemble`, changed only by a reload. */
export interface State {
  readonly clock: Clock
  readonly log: SwitchableLog
  /** The log is copied to the terminal. */
  readonly isVerbose: boolean
  readonly paths: Paths
  readonly startedMs: number
  readonly store: Store
  readonly enforcer: Enforcer
  /** Why this enforcer: `nftables over netlink`, `not root`. */
  readonly enforcerReason: string
  readonly sessions: Sessions
  readonly logins: Soon<Login>
  /** Keeps `protection` up to date. */
  readonly guards: Protected
  readonly protection: Protection
  readonly names: Names
  readonly lists: AddressLists
  readonly bans: Bans
  /** Holds the enforcer to them. */
  readonly auditing: Auditing
  /** What each jail keeps out. */
  readonly drops: JailDrops
  readonly heldBack: HeldBack
  readonly confirmations: Confirmations
  readonly cutting: Cutting
  readonly positions: Positions
  readonly followers: Followers
  readonly jails: Map<string, JailUnit>
  readonly actionShop: ActionShop
  readonly notifying: Notifying
  /** This machine among others; undefined: it is alone. */
  fleet: FleetPart | undefined
  /** What the command line has said instead of `fail2ban.conf`. */
  readonly overrides: SettingsOverrides
  config: Config
}

/** Bans by hand without a jail are in here: every port is closed. It is no jail of the configuration and counts nothing. */
export const manualScope: Scope = { jail: 'manual', ports: 'all', protocols: [] }

/** What the enforcer has to have in place. A jail that is called `manual` keeps its own ports. */
export function scopesOf(jails: ReadonlyMap<string, JailUnit>): Scope[] {
  const scopes = [...jails.values()].flatMap((unit) => unit.scope ?? [])
  return jails.has(manualScope.jail) ? scopes : [...scopes, manualScope]
}
