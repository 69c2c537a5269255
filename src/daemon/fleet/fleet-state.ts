import type { Bans } from '../../bans/bans.js'
import type { Protection } from '../../bans/protection.js'
import type { Config } from '../../config/load.js'
import type { Enforcer } from '../../domain/enforcer.js'
import type { Clock } from '../../lib/clock.js'
import type { Log } from '../../lib/log.js'
import type { Store } from '../../store/store.js'
import type { JailUnit } from '../jails.js'
import type { Paths } from '../paths.js'

/** What this machine's part in the fleet knows of the rest of the daemon. */
export interface FleetState {
  clock: Clock
  log: Log
  store: Store
  paths: Paths
  protection: Protection
  bans: Bans
  enforcer: Enforcer
  jails: ReadonlyMap<string, JailUnit>
  config: Config
}
