import { nowhere } from '../domain/origin.js'
import type { MergedIni } from './merged-ini.js'
import { traced } from './traced.js'

/** The version of Fail2ban whose behaviour is followed; `%(fail2ban_version)s`. */
export const fail2banVersionDefault = '1.1.1'

/** Names of all sections that may be jails, in file order. */
export function jailNames(ini: MergedIni): string[] {
  return ini.sectionNames().filter((name) => name !== 'INCLUDES')
}

/** What every jail can refer to without defining it. */
export function addStaticDefaults(ini: MergedIni, dir: string, version: string): void {
  ini.defaults.set('fail2ban_version', traced(version, nowhere))
  ini.defaults.set('fail2ban_confpath', traced(dir, nowhere))
}
