import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

const fail2banConf = `[DEFAULT]
loglevel = INFO
logtarget = DIR/server.log
syslogsocket = auto
socket = DIR/f2b.sock
pidfile = DIR/f2b.pid
dbfile = DIR/db.sqlite3
dbpurgeage = 1d
dbmaxmatches = 10
allowipv6 = auto
[Definition]
`

const jailConf = `[DEFAULT]
backend = polling
filter = plain
bantime = 10m
findtime = 10m
maxretry = 3
ignoreself = false
usedns = no
logencoding = utf-8

[web]
enabled = true
logpath = DIR/web.log
action = record[name=web]

[mail]
enabled = true
logpath = DIR/mail1.log
          DIR/mail2.log
ignoreip = 192.0.2.9 198.51.100.0/24
action = record[name=mail]
         twice[name=mail]

[spare]
logpath = DIR/spare.log
action = record[name=spare]
`

const filterConf = `[Definition]
failregex = ^\\s*refused <HOST>$
            ^\\s*rejected <HOST> as \\S+$
ignoreregex = ^\\s*refused \\S+ kindly$
datepattern = ^%%Y-%%m-%%d %%H:%%M:%%S
`

/** Records what it is asked to do, in words of ours. */
const actionConf = (what: string) => `[Definition]
actionstart = echo "${what} start <name>" >> DIR/actions.txt
actionstop = echo "${what} stop <name>" >> DIR/actions.txt
actioncheck =
actionban = echo "${what} ban <name> <ip> <bantime> <family>" >> DIR/actions.txt
actionunban = echo "${what} unban <name> <ip>" >> DIR/actions.txt
[Init]
name = default
`

/** One server's directory: its configuration, the logs that its jails follow, and everything it writes. */
export class SessionHouse {
  readonly dir = mkdtempSync(path.join(tmpdir(), 'tocsin-session-'))
  readonly config = this.at('config')

  constructor() {
    this.write('config/fail2ban.conf', fail2banConf)
    this.write('config/jail.conf', jailConf)
    this.write('config/filter.d/plain.conf', filterConf)
    this.write('config/action.d/record.conf', actionConf('once'))
    this.write('config/action.d/twice.conf', actionConf('twice'))
    for (const log of ['web.log', 'mail1.log', 'mail2.log', 'spare.log', 'other.log', 'actions.txt'])
      this.write(log, '')
  }

  get socket(): string {
    return this.at('f2b.sock')
  }

  at(name: string): string {
    return path.join(this.dir, name)
  }

  /** `DIR` in the text stands for this house's directory. */
  write(name: string, text: string): void {
    mkdirSync(path.dirname(this.at(name)), { recursive: true })
    writeFileSync(this.at(name), text.replaceAll('DIR', this.dir))
  }

  read(name: string): string {
    return readFileSync(this.at(name), 'utf8')
  }

  /** What the actions were asked to do, in this order. */
  recorded(): string[] {
    return this.read('actions.txt')
      .split('\n')
      .filter((line) => line !== '')
  }

  remove(): void {
    // A server that was killed may still be writing.
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  }
}
