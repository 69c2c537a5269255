import { loadServerSettings } from '../config/settings.js'
import { pathsOf } from '../daemon/paths.js'
import { configDir } from './config-dir.js'
import { CommandFailure, exit } from './context.js'
import { problemText } from './problem-text.js'

/** The API socket of the daemon that runs on this configuration directory. */
export function daemonSocket(given: string | undefined): string {
  const { settings, problems } = loadServerSettings(configDir(given))
  if (settings === undefined) throw new CommandFailure(problems.map(problemText).join('\n'), exit.config)
  return pathsOf({ ...settings.server, apiSocket: settings.own.api.socket }).apiSocket
}
