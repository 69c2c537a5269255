import { parseIp } from '../domain/address.js'
import type { Clock } from '../lib/clock.js'
import { keepNewest } from '../lib/keep-newest.js'
import type { Guarded, GuardSource } from './guarded.js'
import { LoginFile } from './login-records.js'
import { SshSessions } from './ssh-sessions.js'
import { Watched } from './watched.js'

/** Whoever was let in protects his address for so long: the end of a session is not always in the log we read. */
const protectedMs = 86_400_000
const acceptedMax = 10_000
/** A session that goes on is noted again after this time. */
const noteAgainMs = 3_600_000
const lookAgainMs = 2000

/**
 * sshd's own words for a login (OpenSSH auth.c) right behind a syslog prefix at the line's begin. Both ends matter: elsewhere in a
 * line the same words may be a request path or a user name that an attacker made up to become untouchable.
 */
const syslogPrefix = String.raw`(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[\d:.]{8,15}(?:Z|[+-]\d\d:?\d\d)) \S{1,255}`
const accepted = String.raw`sshd(?:-session)?\[\d+\]: Accepted [a-z/-]+ for (\S+) from (\S+) port \d+ ssh2(?:: [^\n]*)?`
const acceptedLine = new RegExp(String.raw`^${syslogPrefix} ${accepted}\r?$`)
const acceptedWord = ']: Accepted '

/** A login that a log told of, or that was seen; it protects its address until `untilMs`. */
export interface Login {
  address: string
  user: string
  untilMs: number
}

export interface SessionsOptions {
  utmpPath?: string
  wtmpPath?: string
  /** Those that sshd serves now. */
  sshSessions?: Pick<SshSessions, 'list'>
  /** Logins that an earlier run has seen, oldest first. */
  accepted?: readonly Login[]
  onAccepted?(login: Login): void
}

/**
 * Addresses from which somebody is logged in, or was in the last 24 hours: utmp and wtmp (what `who` and `last` show), sessions that
 * sshd serves, and `Accepted` lines of the logs we follow.
 */
export class Sessions implements GuardSource {
  readonly #clock: Clock
  readonly #utmp: LoginFile
  readonly #wtmp: LoginFile
  readonly #ssh: Pick<SshSessions, 'list'>
  readonly #onAccepted: (login: Login) => void
  readonly #accepted = new Map<string, { user: string; untilMs: number }>()
  readonly #watched: Watched

  constructor(clock: Clock, options: SessionsOptions = {}) {
    this.#clock = clock
    this.#utmp = new LoginFile(options.utmpPath ?? '/var/run/utmp')
    this.#wtmp = new LoginFile(options.wtmpPath ?? '/var/log/wtmp')
    this.#ssh = options.sshSessions ?? new SshSessions()
    this.#onAccepted = options.onAccepted ?? (() => {})
    for (const { address, user, untilMs } of options.accepted ?? []) this.#accepted.set(address, { user, untilMs })
    this.#watched = new Watched({ clock, maxAgeMs: lookAgainMs, look: () => this.#look() })
  }

  /** Looks for logins in complete lines of a log. Costs one search for a word when there are none. */
  learn(text: string): void {
    for (let at = text.indexOf(acceptedWord); at >= 0; at = text.indexOf(acceptedWord, at + 1)) {
      const end = text.indexOf('\n', at)
      const line = text.slice(text.lastIndexOf('\n', at) + 1, end < 0 ? text.length : end)
      const [, user = '', address = ''] = acceptedLine.exec(line) ?? []
      const ip = parseIp(address)
      if (ip === undefined) continue
      this.#watched.forget()
      this.#note(ip.text, user)
    }
  }

  list(): readonly Guarded[] {
    return this.#watched.list()
  }

  #look(): Guarded[] {
    const nowMs = this.#clock.now()
    const known = new Map<string, string>()
    const know = (address: string, evidence: string) => known.has(address) || known.set(address, evidence)
    for (const { address, user, line } of this.#utmp.records()) know(address, `utmp: ${user} on ${line}`)
    for (const { address, user } of this.#ssh.list()) {
      know(address, `sshd serves user ${user}`)
      if ((this.#accepted.get(address)?.untilMs ?? 0) < nowMs + protectedMs - noteAgainMs) this.#note(address, user)
    }
    for (const [address, { user, untilMs }] of this.#accepted) {
      if (untilMs <= nowMs) this.#accepted.delete(address)
      else know(address, `sshd accepted user ${user}`)
    }
    for (const { address, user, line, timeMs } of this.#wtmp.records())
      if (timeMs > nowMs - protectedMs) know(address, `wtmp: ${user} on ${line}`)
    return [...known].flatMap(([address, evidence]) => guardedOf(address, evidence))
  }

  #note(address: string, user: string): void {
    const untilMs = this.#clock.now() + protectedMs
    this.#accepted.delete(address)
    this.#accepted.set(address, { user, untilMs })
    // Full: the oldest logins lose their protection; ten thousand addresses in a day are no operator's.
    keepNewest(this.#accepted, acceptedMax)
    this.#onAccepted({ address, user, untilMs })
  }
}

function guardedOf(address: string, evidence: string): Guarded[] {
  const ip = parseIp(address)
  return ip === undefined
    ? []
    : [{ ip, kind: 'session', reason: `somebody is logged in from ${ip.text} (${evidence})` }]
}
