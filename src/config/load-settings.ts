import type { Problem } from '../domain/origin.js'
import { ConfigError, problemOf } from './config-error.js'
import { type OwnSettings, readOwnSettings } from './own-settings.js'
import { ConfigFiles } from './read-order.js'
import { readEarlyOptions, readServerOptions, type ServerSettings, serverSettings } from './settings.js'

export type SettingsResult =
  | { settings: { server: ServerSettings; own: OwnSettings }; problems: readonly Problem[] }
  | { settings: undefined; problems: readonly Problem[] }

/** Only `fail2ban.conf` and `tocsin.conf`: what a client needs to find its daemon, without reading a single jail. */
export function loadSettings(dir: string): SettingsResult {
  const files = new ConfigFiles(dir)
  const problems: Problem[] = []
  try {
    const reading = files.read('fail2ban', () => {})
    if (reading.kind !== 'read') {
      problems.push({
        severity: 'error',
        message: `cannot read fail2ban.conf in ${dir}, which says where the daemon is`,
        hint: 'name the configuration directory with -c DIR',
      })
      return { settings: undefined, problems }
    }
    const early = readEarlyOptions(reading.ini, {}, () => {})
    const server = serverSettings(
      readServerOptions(reading.ini, early, () => {}),
      problems,
    )
    const ownReading = files.read('tocsin', () => {})
    const own = readOwnSettings(ownReading.kind === 'read' ? ownReading.ini : undefined, problems)
    return { settings: { server, own }, problems }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { settings: undefined, problems: [...problems, problemOf(error)] }
  }
}
