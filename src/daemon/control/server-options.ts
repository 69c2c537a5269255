import { existsSync } from 'node:fs'
import path from 'node:path'
import { CommandError, invalidCommand } from '../../compat/fail2ban-server.js'
import { parseDurationMs } from '../../config/duration.js'
import type { ServerSettings } from '../../config/server-options.js'
import { noSuchGet, noSuchSet } from '../../domain/fail2ban-words.js'
import { messageOf } from '../../lib/error-message.js'
import { logLevels } from '../../lib/log.js'
import { type PyValue, repr } from '../../lib/python-repr.js'
import { openLog } from '../open-log.js'
import { logFileOf, type Paths, pathsOf } from '../paths.js'
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

  /** What of a configuration that was read anew takes effect while we run. Throws a sentence, and changes nothing, when it cannot log there. */
  take(server: ServerSettings): void {
    const { loglevel, logtarget, syslogsocket } = this.#state.config.server
    const isSameLog =
      server.loglevel === loglevel && server.logtarget === logtarget && server.syslogsocket === syslogsocket
    if (!isSameLog) this.#switchLog(server)
    this.#change(liveOf(server))
  }

  /** Unlike a start or reload, a command makes no directory for the log; Fail2ban has it so. */
  #setLog(change: Partial<LogSettings>): void {
    const { config, log } = this.#state
    const server = { ...config.server, ...change }
    try {
      const file = logFileOf(this.#pathsFor(server))
      if (file !== undefined && !existsSync(path.dirname(file))) throw new Error(`There is no ${path.dirname(file)}`)
      this.#switchLog(server)
    } catch (error) {
      log.write('ERROR', 'server', messageOf(error))
      throw new CommandError('builtins.Exception', 'Failed to change log target')
    }
    this.#change(change)
  }

  #switchLog(server: ServerSettings): void {
    const { clock, log, isVerbose } = this.#state
    const { loglevel, logtarget, syslogsocket } = server
    try {
      log.switchTo(openLog({ clock, paths: this.#pathsFor(server), loglevel, syslogsocket, verbose: isVerbose }))
    } catch (error) {
      const reason = messageOf(error)
      throw new Error(`Unable to log to '${logtarget}': ${reason}`, { cause: error })
    }
  }

  /** Where everything is, with another log. */
  #pathsFor(server: ServerSettings): Paths {
    const { logTarget } = pathsOf({ ...server, apiSocket: this.#state.config.own.api.socket })
    return { ...this.#state.paths, logTarget }
  }

  #change(change: Partial<ServerSettings>): void {
    const { config } = this.#state
    this.#state.config = { ...config, server: { ...config.server, ...change } }
  }
}

type LogSettings = Pick<ServerSettings, 'loglevel' | 'logtarget' | 'syslogsocket'>

/** Settings that take effect while the server runs. */
export function liveOf(server: ServerSettings): LogSettings & Pick<ServerSettings, 'dbmaxmatches' | 'dbpurgeageMs'> {
  const { loglevel, logtarget, syslogsocket, dbmaxmatches, dbpurgeageMs } = server
  return { loglevel, logtarget, syslogsocket, dbmaxmatches, dbpurgeageMs }
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
