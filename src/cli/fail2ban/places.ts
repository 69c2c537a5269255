import { existsSync } from 'node:fs'
import { ConfigError } from '../../config/config-error.js'
import { ConfigFiles } from '../../config/read-order.js'
import {
  readEarlyOptions,
  readServerOptions,
  type ServerSettings,
  serverSettings,
} from '../../config/server-options.js'
import { pathsOf } from '../../daemon/paths.js'
import type { ClientLog } from './client-log.js'
import type { ClientOptions } from './options.js'

/** Where the server is and where it writes, as the configuration and the command line say. */
export interface Places {
  socket: string
  pidfile: string
  loglevel: string
  logtarget: string
  syslogsocket: string
}

/** Reads `fail2ban.conf` only, which is all that a command needs. A sentence (Fail2ban's) when it cannot be read. */
export function readPlaces({ dir, overrides }: ClientOptions, log: ClientLog): Places | string {
  const files = new ConfigFiles(dir)
  // The blank at the end is Fail2ban's.
  if (!files.exists) return `Base configuration directory ${files.dir} does not exist `
  try {
    const reading = files.read('fail2ban', (level, module, text) => log.sayAll([{ level, module, text }]))
    if (reading.kind !== 'read') return 'Read fail2ban configuration failed.'
    const options = readEarlyOptions(reading.ini, overrides, (level, module, text) =>
      log.sayAll([{ level, module, text }]),
    )
    // A wrong log level is found here; everything else is told of when it is needed.
    const server = serverSettings(
      readServerOptions(reading.ini, options, () => {}),
      [],
    )
    const { pidfile, loglevel, logtarget, syslogsocket } = server
    const socket = socketOf(server)
    log.say('INFO', `Using socket file ${socket}`)
    log.say('INFO', `Using pid file ${pidfile}, [${loglevel}] logging to ${logtarget}`)
    return { socket, pidfile, loglevel, logtarget, syslogsocket }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.peerText
  }
}

/** A server of somebody who is not root has everything in a directory of his, if he may not write where the configuration says. */
function socketOf(server: ServerSettings): string {
  if (process.getuid?.() === 0 || existsSync(server.socket)) return server.socket
  const { controlSocket } = pathsOf({ ...server, apiSocket: undefined })
  return existsSync(controlSocket) ? controlSocket : server.socket
}
