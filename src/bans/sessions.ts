import { readFileSync, statSync } from 'node:fs'
import { ipOf, parseIp } from '../domain/address.js'
import type { Clock } from '../lib/clock.js'

/** Size and fields of glibc's `struct utmp` on 64-bit Linux (utmp(5), <bits/utmp.h>). */
const utmp = { bytes: 384, type: 0, line: 8, lineBytes: 32, user: 44, userBytes: 32, address: 348, userProcess: 7 }

/** An accepted login counts as a session for this long: its end is not always in the log we read. */
const acceptedMaxAgeMs = 86_400_000
const acceptedMax = 10_000
const readMaxAgeMs = 1000

/**
 * sshd's own words for a login (OpenSSH auth.c) right behind a syslog prefix at the line's begin. Both ends matter: elsewhere in a
 * line the same words may be a request path or a user name that an attacker made up to become untouchable.
 */
const syslogPrefix = String.raw`(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[\d:.]{8,15}(?:Z|[+-]\d\d:?\d\d)) \S{1,255}`
const accepted = String.raw`sshd(?:-session)?\[\d+\]: Accepted [a-z/-]+ for (\S+) from (\S+) port \d+ ssh2(?:: [^\n]*)?`
const acceptedLine = new RegExp(String.raw`^${syslogPrefix} ${accepted}\r?$`)
const acceptedWord = ']: Accepted '

/** A login that a log told of; it protects its address until `untilMs`. */
export interface Login {
  address: string
  user: string
  untilMs: number
}

export interface SessionsOptions {
  utmpPath?: string
  /** Logins that an earlier run has seen, oldest first. */
  accepted?: readonly Login[]
  onAccepted?(login: Login): void
}

/** Addresses from which somebody is logged in: utmp (what `who` shows), and `Accepted` lines of the logs we follow. */
export class Sessions {
  readonly #clock: Clock
  readonly #utmpPath: string
  readonly #onAccepted: (login: Login) => void
  readonly #accepted = new Map<string, { user: string; untilMs: number }>()
  #known: ReadonlyMap<string, string> = new Map()
  #readMs = Number.NEGATIVE_INFINITY
  #loggedIn = new Map<string, string>()
  #utmpChangedMs = -1

  constructor(clock: Clock, options: SessionsOptions = {}) {
    this.#clock = clock
    this.#utmpPath = options.utmpPath ?? '/var/run/utmp'
    this.#onAccepted = options.onAccepted ?? (() => {})
    for (const { address, user, untilMs } of options.accepted ?? []) this.#accepted.set(address, { user, untilMs })
  }

  /** Looks for logins in complete lines of a log. Costs one search for a word when there are none. */
  learn(text: string): void {
    for (let at = text.indexOf(acceptedWord); at >= 0; at = text.indexOf(acceptedWord, at + 1)) {
      const end = text.indexOf('\n', at)
      const line = text.slice(text.lastIndexOf('\n', at) + 1, end < 0 ? text.length : end)
      const [, user = '', address = ''] = acceptedLine.exec(line) ?? []
      const ip = parseIp(address)
      if (ip === undefined) continue
      this.#accepted.delete(ip.text)
      this.#readMs = Number.NEGATIVE_INFINITY
      const untilMs = this.#clock.now() + acceptedMaxAgeMs
      this.#accepted.set(ip.text, { user, untilMs })
      this.#onAccepted({ address: ip.text, user, untilMs })
      // Full: the oldest login loses its protection; ten thousand addresses in a day are no operator's.
      if (this.#accepted.size > acceptedMax) this.#accepted.delete([...this.#accepted.keys()][0] ?? '')
    }
  }

  /** Address → how we know. */
  addresses(): ReadonlyMap<string, string> {
    const nowMs = this.#clock.now()
    if (nowMs - this.#readMs < readMaxAgeMs) return this.#known
    this.#readMs = nowMs
    this.#readUtmp()
    const known = new Map(this.#loggedIn)
    for (const [address, { user, untilMs }] of this.#accepted) {
      if (untilMs <= nowMs) this.#accepted.delete(address)
      else if (!known.has(address)) known.set(address, `sshd accepted user ${user}`)
    }
    this.#known = known
    return known
  }

  #readUtmp(): void {
    try {
      const changedMs = statSync(this.#utmpPath).mtimeMs
      if (changedMs === this.#utmpChangedMs) return
      this.#utmpChangedMs = changedMs
      this.#loggedIn = parseUtmp(readFileSync(this.#utmpPath))
    } catch {
      // No utmp on this system (musl, or since systemd 255 on some): the log lines are what is left.
      this.#loggedIn = new Map()
    }
  }
}

/** Remote addresses of user processes in the bytes of a utmp file, and `user on line`. */
export function parseUtmp(bytes: Buffer): Map<string, string> {
  const sessions = new Map<string, string>()
  for (let at = 0; at + utmp.bytes <= bytes.length; at += utmp.bytes) {
    const entry = bytes.subarray(at, at + utmp.bytes)
    if (entry.readInt16LE(utmp.type) !== utmp.userProcess) continue
    const address = entry.subarray(utmp.address, utmp.address + 16)
    if (address.every((byte) => byte === 0)) continue
    // An IPv4 address stands in the first four bytes, the others are zero.
    const isV4 = address.subarray(4).every((byte) => byte === 0)
    const ip = ipOf(Uint8Array.from(isV4 ? address.subarray(0, 4) : address))
    const user = textAt(entry, utmp.user, utmp.userBytes)
    sessions.set(ip.text, `utmp: ${user} on ${textAt(entry, utmp.line, utmp.lineBytes)}`)
  }
  return sessions
}

function textAt(entry: Buffer, start: number, length: number): string {
  const field = entry.subarray(start, start + length)
  const end = field.indexOf(0)
  return field.toString('utf8', 0, end < 0 ? length : end)
}
