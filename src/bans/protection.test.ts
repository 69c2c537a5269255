import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { describe, it } from 'node:test'
import { ManualClock } from '../../test/kit/manual-clock.js'
import { parseIp } from '../domain/address.js'
import type { Guarded } from './guarded.js'
import { Protection } from './protection.js'

const ip = (text: string) => parseIp(text) ?? assert.fail(text)
const session: Guarded = { ip: ip('203.0.113.5'), kind: 'session', reason: 'somebody is logged in from 203.0.113.5' }

function setUp(change: { guards?: readonly Guarded[] } = {}) {
  const clock = new ManualClock()
  const appeared: string[] = []
  let guards = change.guards ?? [session]
  const protection = new Protection({
    clock,
    ignored: (jail) => (jail === 'sshd' ? [ip('198.51.100.0/24')] : []),
    guards: [{ list: () => guards }],
    onAppeared: (those) => appeared.push(...those.map((one) => one.ip.text)),
  })
  const guard = (...now: Guarded[]) => {
    guards = now
  }
  return { clock, protection, appeared, guard }
}

describe('Protection', () => {
  it('refuses this machine itself, and every network that it is in', () => {
    const { protection } = setUp()
    for (const text of ['127.0.0.1', '127.99.0.1', '::1', '0.0.0.0/0', '::/0', '127.0.0.0/24', '0.0.0.0'])
      assert.match(protection.reasonAgainst(ip(text), 'x') ?? '', /this machine/, text)
    const own = Object.values(networkInterfaces())
      .flatMap((entries) => entries ?? [])
      .filter((entry) => !entry.internal)
    for (const { address } of own)
      assert.match(protection.reasonAgainst(ip(address.replace(/%.*/, '')), 'x') ?? '', /address of this machine/)
  })

  it('refuses what is in ignoreip of the jail', () => {
    const { protection } = setUp()
    assert.equal(protection.reasonAgainst(ip('198.51.100.9'), 'sshd'), '198.51.100.0/24 is in ignoreip')
    assert.match(protection.reasonAgainst(ip('198.51.0.0/16'), 'sshd') ?? '', /in ignoreip/)
    assert.equal(protection.reasonAgainst(ip('198.51.100.9'), 'nginx'), undefined)
  })

  it('refuses whom its sources name, and every network with one of them in it, with the weightiest reason', () => {
    const wide: Guarded = { ip: ip('203.0.112.0/20'), kind: 'proxy', reason: 'a proxy is there' }
    const { protection } = setUp({ guards: [wide, session] })
    assert.equal(protection.reasonAgainst(ip('203.0.113.5'), 'sshd'), session.reason)
    assert.equal(protection.reasonAgainst(ip('203.0.113.6'), 'sshd'), wide.reason)
    assert.equal(protection.reasonAgainst(ip('203.0.113.4/31'), 'sshd'), session.reason)
    assert.equal(protection.reasonAgainst(ip('203.0.0.0/16'), 'sshd'), wide.reason)
  })

  it('lets others be banned', () => {
    const { protection } = setUp()
    assert.equal(protection.reasonAgainst(ip('192.0.2.99'), 'sshd'), undefined)
    assert.equal(protection.reasonAgainst(ip('2001:db8::/64'), 'sshd'), undefined)
  })

  it('asks its sources again, knows since when, and tells who is new', () => {
    const { clock, protection, appeared, guard } = setUp()
    const sinceMs = clock.now()
    assert.notEqual(protection.reasonAgainst(session.ip, 'x'), undefined)
    const gateway: Guarded = { ip: ip('203.0.113.1'), kind: 'gateway', reason: 'it is the gateway' }
    guard(session, gateway)
    clock.turn(1000)
    assert.equal(protection.reasonAgainst(gateway.ip, 'x'), gateway.reason)
    assert.deepEqual(appeared, ['203.0.113.1'])
    const known = new Map(protection.all().map((one) => [one.ip.text, one.sinceMs]))
    assert.deepEqual([known.get('203.0.113.5'), known.get('203.0.113.1')], [sinceMs, sinceMs + 1000])
    guard()
    protection.lookAgain()
    assert.equal(protection.reasonAgainst(gateway.ip, 'x'), undefined)
  })

  it('asks its sources when the clock was set back, too', () => {
    const { clock, protection, guard } = setUp({ guards: [] })
    assert.equal(protection.reasonAgainst(session.ip, 'x'), undefined)
    guard(session)
    clock.turn(-3_600_000)
    assert.equal(protection.reasonAgainst(session.ip, 'x'), session.reason)
  })

  it('takes the members of the fleet from whoever knows them', () => {
    const { protection } = setUp()
    const broker = ip('203.0.113.77')
    protection.setFleet([{ ip: broker, what: "the fleet's broker" }])
    assert.equal(protection.reasonAgainst(broker, 'x'), "203.0.113.77 is the fleet's broker")
    protection.setFleet([])
    assert.equal(protection.reasonAgainst(broker, 'x'), undefined)
  })
})
