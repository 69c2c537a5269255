import { existsSync } from 'node:fs'
import path from 'node:path'
import { CommandError, invalidCommand } from '../../compat/fail2ban-server.js'
import { parseDurationMs } from '../../config/duration.js'
import type { ServerSettings } from '../../config/server-options.js'
import { noSuchGet, noSuchSet } from '../../domain/fail2ban-words.js'
import { logLevels } from '../../lib/log.js'
import { type PyValue, repr } from '../../lib/python-repr.js'
import { openLog } from '../open-log.js'
import { logFileOf, pathsOf } from '../paths.js'
import type { State } from '../state.js'

/** `get` and `set` of what concerns the server as a whole (spec 7.3). What is set is gone with the next reload. */
export class ServerOptions {
  readonly #state: State

  constructor(state: State) {
    this.#state = state
  }

  get(name: string): PyValue {
    const { server } = this.#state.config
    switch (name) {
      case 'loglevel':
        return server.loglevel
      case 'logtarget':
        return server.logtarget
      case 'syslogsocket':
        return server.syslogsocket
      case 'allowipv6':
        return server.allowipv6
      case 'thread':
        return { stacksize: server.stacksize ?? 0 }
      case 'dbfile':
        return this.#state.paths.database ?? null
      case 'dbmaxmatches':
        return this.#state.paths.database === undefined ? null : server.dbmaxmatches
      case 'dbpurgeage':
        return this.#state.paths.database === undefined ? null : server.dbpurgeageMs / 1000
      default:
        throw invalidCommand(noSuchGet())
    }
  }

  set(name: string, value: PyValue): PyValue {
    const text = typeof value === 'string' ? value : repr(value)
    switch (name) {
      case 'loglevel':
        this.#setLog({ loglevel: levelOf(text) })
        break
      case 'logtarget':
        this.#setLog({ logtarget: text })
        break
      case 'syslogsocket':
        this.#setLog({ syslogsocket: text })
        break
      case 'allowipv6':
      case 'thread':
        // Accepted, and without effect: addresses of both families are always served, and there is one thread.
        return value
      case 'dbfile':
        throw new CommandError('builtins.RuntimeError', 'Cannot change database when there are jails present')
      case 'dbmaxmatches':
        this.#change({ dbmaxmatches: whole(text) })
        break
      case 'dbpurgeage':
        this.#change({ dbpurgeageMs: seconds(text) * 1000 })
        break
      default:
        throw invalidCommand(noSuchSet(repr(name)))
    }
    return this.get(name)
  }

  #setLog(change: Partial<Pick<ServerSettings, 'loglevel' | 'logtarget' | 'syslogsocket'>>): void {
    const { config, clock, log, paths } = this.#state
    const server = { ...config.server, ...change }
    const { logTarget } = pathsOf({ ...server, apiSocket: config.own.api.socket })
    const { loglevel, syslogsocket } = server
    const file = logFileOf({ ...paths, logTarget })
    if (file !== undefined && !existsSync(path.dirname(file)))
      throw new CommandError('builtins.Exception', 'Failed to change log target')
    try {
      log.switchTo(openLog({ clock, paths: { ...paths, logTarget }, loglevel, syslogsocket, verbose: false }))
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      log.write('ERROR', 'server', `Unable to log to '${logTarget}': ${reason}`)
      throw new CommandError('builtins.Exception', 'Failed to change log target')
    }
    this.#change(change)
  }

  #change(change: Partial<ServerSettings>): void {
    const { config } = this.#state
    this.#state.config = { ...config, server: { ...config.server, ...change } }
  }
}

function levelOf(text: string): string {
  const level = text.toUpperCase()
  if (level in logLevels || /^\d+$/.test(level)) return level
  throw new CommandError('builtins.ValueError', `Invalid log level '${level}'`)
}

function whole(text: string): number {
  if (/^\s*\d+\s*$/.test(text)) return Number(text)
  throw new CommandError('builtins.ValueError', `invalid literal for int() with base 10: ${repr(text)}`)
}

function seconds(text: string): number {
  const ms = parseDurationMs(text)
  if (ms !== undefined) return Math.trunc(ms / 1000)
  throw new CommandError('builtins.NameError', `name '${text}' is not defined`)
}
