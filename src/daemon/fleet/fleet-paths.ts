import path from 'node:path'
import type { FleetDir } from '../../fleet/enrolment/fleet-dir.js'

export interface FleetStateFiles {
  members: string
  audit: string
  mode: string
}

/** Where this machine keeps what it learns of the fleet: beside the bans, or in the fleet's directory when these are in memory only. */
export function fleetStateFiles(dir: FleetDir, database: string | undefined): FleetStateFiles {
  const base = database === undefined ? dir.at('state') : path.dirname(database)
  return {
    members: path.join(base, 'fleet-members.json'),
    audit: path.join(base, 'fleet-audit.log'),
    mode: path.join(base, 'fleet-mode.json'),
  }
}
