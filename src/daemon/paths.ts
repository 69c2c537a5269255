import { accessSync, constants, existsSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'

/** Where one daemon keeps its things, all absolute. */
export interface Paths {
  /** Our API's socket. */
  apiSocket: string
  /** Fail2ban's socket, where its clients find us. */
  controlSocket: string
  pidFile: string
  /** Undefined: bans are kept in memory only (`dbfile = None`). */
  database: string | undefined
  /** `logtarget` without its options: STDOUT, STDERR, SYSOUT, SYSLOG, SYSTEMD-JOURNAL or a file. */
  logTarget: string
  /** Set when the configured places cannot be written to by this user: where everything is instead. */
  movedTo: string | undefined
}

export interface PathSettings {
  socket: string
  pidfile: string
  dbfile: string | undefined
  logtarget: string
  apiSocket: string | undefined
}

const streams = /^(?:STDOUT|STDERR|SYSOUT|SYSLOG|SYSTEMD-JOURNAL)$/i

/**
 * The places that the configuration names. Somebody who is not root usually cannot write there: then all of them move to
 * `$XDG_STATE_HOME/tocsin` (`~/.local/state/tocsin`), which daemon and command line work out alike.
 */
export function pathsOf(settings: PathSettings): Paths {
  const apiSocket = settings.apiSocket ?? path.join(path.dirname(settings.socket), 'tocsin.sock')
  const logTarget = settings.logtarget.replace(/\[.*\]\s*$/s, '').trim()
  const database = settings.dbfile === ':memory:' ? undefined : settings.dbfile
  const wanted = { apiSocket, controlSocket: settings.socket, pidFile: settings.pidfile, database, logTarget }
  const files = [apiSocket, settings.pidfile, database, streams.test(logTarget) ? undefined : logTarget]
  if (process.getuid?.() === 0 || files.every((file) => file === undefined || isWritable(file))) {
    return { ...wanted, movedTo: undefined }
  }
  return moved(wanted, path.join(process.env.XDG_STATE_HOME ?? path.join(homedir(), '.local/state'), 'tocsin'))
}

/** The log file, if the log goes to one. */
export function logFileOf(paths: Paths): string | undefined {
  return streams.test(paths.logTarget) ? undefined : paths.logTarget
}

function moved(wanted: Omit<Paths, 'movedTo'>, dir: string): Paths {
  const into = (file: string) => path.join(dir, path.basename(file))
  return {
    apiSocket: into(wanted.apiSocket),
    controlSocket: into(wanted.controlSocket),
    pidFile: into(wanted.pidFile),
    database: wanted.database && into(wanted.database),
    logTarget: streams.test(wanted.logTarget) ? wanted.logTarget : into(wanted.logTarget),
    movedTo: dir,
  }
}

/** Whether the file, or the nearest directory above it that exists, may be written. */
function isWritable(file: string): boolean {
  let place = file
  while (!existsSync(place)) place = path.dirname(place)
  try {
    accessSync(place, constants.W_OK)
    return true
  } catch {
    return false
  }
}
