import assert from 'node:assert/strict'
import { type Ip, parseIp } from '../domain/address.js'
import type { Closure, Scope, TimedClosure } from '../domain/enforcer.js'

/** For tests: jails of three kinds, and closures written as text. */
export const ssh: Scope = { jail: 'sshd', ports: [{ first: 22, last: 22 }], protocols: ['tcp'] }
export const web: Scope = {
  jail: 'web',
  ports: [
    { first: 80, last: 90 },
    { first: 443, last: 443 },
    { first: 8000, last: 65535 },
  ],
  protocols: ['tcp', 'udp'],
}
export const everything: Scope = { jail: 'all', ports: 'all', protocols: ['tcp'] }
export const hourMs = 3_600_000

export function ip(text: string): Ip {
  return parseIp(text) ?? assert.fail(`${text} is no address`)
}

export function closure(jail: string, text: string): Closure {
  return { jail, ip: ip(text) }
}

export function timed(jail: string, text: string, remainingMs: number | undefined): TimedClosure {
  return { jail, ip: ip(text), remainingMs }
}
