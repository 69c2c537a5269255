import { BanLogTransport } from '../../fleet/ban-log/transport.js'
import type { FleetDir } from '../../fleet/enrolment/fleet-dir.js'
import type { JailUnit } from '../jails.js'
import { followBanLog } from './ban-log-follow.js'
import { banLogIdentity } from './ban-log-identity.js'
import type { FleetState } from './fleet-state.js'
import type { FleetWay } from './fleet-way.js'

/** `[fleet] transport = file`. Throws a sentence when the configuration names no file, or this machine's keys cannot be read. */
export function banLogWay(state: FleetState, dir: FleetDir): FleetWay {
  const { clock, log, jails, config } = state
  const { path, name } = config.own.fleet
  if (path === undefined) throw new Error('[fleet] transport = file needs path = /the/shared/file')
  const identity = banLogIdentity(dir, name)
  const { facts, isPlain } = identity
  const as = isPlain
    ? `${facts.name}, without signatures: this machine is in no fleet`
    : `${facts.name} of ${facts.fleet}`
  return {
    identity,
    name: `the fleet by ${path} as ${as}`,
    isPlain,
    wordsPerMessage: 1,
    // Machines join as ever; there is no broker to run.
    broker: { stateDir: '', listen: undefined },
    transportOf: () =>
      new BanLogTransport({
        path,
        node: facts.name,
        isPlain,
        clock,
        log,
        pid: process.pid,
        portOf: (jail) => portOf(jails.get(jail)),
        follow: (file, follower) => followBanLog(file, follower, state),
      }),
  }
}

/** Of a jail that closes one list of ports the first; 0: it is a range, or all. Whoever reads it takes it for a remark. */
function portOf(unit: JailUnit | undefined): number {
  const ports = unit?.scope?.ports
  const [first] = ports === undefined || ports === 'all' ? [] : ports
  return first !== undefined && first.first === first.last ? first.first : 0
}
