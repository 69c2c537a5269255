import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { describe, it } from 'node:test'
import { ManualClock } from '../../test/kit/manual-clock.js'
import { parseIp } from '../domain/address.js'
import { Protection } from './protection.js'

const ip = (text: string) => parseIp(text) ?? assert.fail(text)
const protection = new Protection({
  clock: new ManualClock(),
  ignored: (jail) => (jail === 'sshd' ? [ip('198.51.100.0/24')] : []),
  sessions: () => new Map([['203.0.113.5', 'utmp: alice on pts/0']]),
})

describe('Protection', () => {
  it('refuses this machine itself, and every network that it is in', () => {
    for (const text of ['127.0.0.1', '127.99.0.1', '::1', '0.0.0.0/0', '::/0', '127.0.0.0/24', '0.0.0.0'])
      assert.match(protection.reasonAgainst(ip(text), 'x') ?? '', /this machine/, text)
    const own = Object.values(networkInterfaces())
      .flatMap((entries) => entries ?? [])
      .filter((entry) => !entry.internal)
    for (const { address } of own)
      assert.match(protection.reasonAgainst(ip(address.replace(/%.*/, '')), 'x') ?? '', /address of this machine/)
  })

  it('refuses what is in ignoreip of the jail', () => {
    assert.equal(protection.reasonAgainst(ip('198.51.100.9'), 'sshd'), '198.51.100.0/24 is in ignoreip')
    assert.match(protection.reasonAgainst(ip('198.51.0.0/16'), 'sshd') ?? '', /in ignoreip/)
    assert.equal(protection.reasonAgainst(ip('198.51.100.9'), 'nginx'), undefined)
  })

  it('refuses from where somebody is logged in, and says who', () => {
    assert.equal(
      protection.reasonAgainst(ip('203.0.113.5'), 'sshd'),
      'somebody is logged in from 203.0.113.5 (utmp: alice on pts/0)',
    )
  })

  it('lets others be banned', () => {
    assert.equal(protection.reasonAgainst(ip('192.0.2.1'), 'sshd'), undefined)
    assert.equal(protection.reasonAgainst(ip('2001:db8::/64'), 'sshd'), undefined)
  })
})
