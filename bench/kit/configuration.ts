import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { copyConfiguration, stockDir } from '../../test/kit/stock-configuration.js'
import { root } from './workspace.js'

/** Whether Debian's own configuration can be measured; else the one we ship is. */
export const hasDebianConfiguration = existsSync(path.join(stockDir, 'jail.conf'))

export interface Places {
  /** The configuration directory. */
  dir: string
  socket: string
  /** Where the daemon writes its own log. */
  logTarget: string
  pidFile: string
}

export interface ConfigurationOptions {
  /** A new directory for everything of this daemon. */
  home: string
  from: 'debian' | 'shipped'
  /** `jail.local`. */
  jailLocal: string
}

/** A daemon's configuration with sockets, files and database of its own. */
export function makeConfiguration({ home, from, jailLocal }: ConfigurationOptions): Places {
  const dir = path.join(home, 'config')
  mkdirSync(path.join(home, 'run'), { recursive: true })
  copyConfiguration(from === 'debian' ? stockDir : path.join(root, 'config'), dir)
  const places = {
    dir,
    socket: path.join(home, 'run', 'fail2ban.sock'),
    pidFile: path.join(home, 'run', 'daemon.pid'),
    logTarget: path.join(home, 'daemon.log'),
  }
  writeFileSync(
    path.join(dir, 'fail2ban.local'),
    `[Definition]\nsocket = ${places.socket}\npidfile = ${places.pidFile}\n` +
      `dbfile = ${path.join(home, 'bans.sqlite3')}\nlogtarget = ${places.logTarget}\nloglevel = INFO\n`,
  )
  writeFileSync(path.join(dir, 'jail.local'), jailLocal)
  return places
}

/** One jail, sshd, on this log. */
export function sshdJail(logPath: string, lines: readonly string[] = []): string {
  return ['[sshd]', 'enabled = true', `logpath = ${logPath}`, ...lines, ''].join('\n')
}
