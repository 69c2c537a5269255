import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseIp } from '../domain/address.js'
import type { Scope } from '../domain/enforcer.js'
import { CutPlan } from './cut-plan.js'

const tcp = 6
const udp = 17
const icmp = 1
const ssh: Scope = { jail: 'sshd', ports: [{ first: 22, last: 22 }], protocols: ['tcp'] }
const web: Scope = {
  jail: 'web',
  ports: [
    { first: 80, last: 90 },
    { first: 443, last: 443 },
  ],
  protocols: ['tcp', 'udp'],
}
const everything: Scope = { jail: 'all', ports: 'all', protocols: [] }

function bytes(text: string): Buffer {
  return Buffer.from(parseIp(text)?.bytes ?? assert.fail(text))
}

function planOf(...cuts: [text: string, scope: Scope][]): CutPlan {
  return new CutPlan(cuts.map(([text, scope]) => ({ ip: parseIp(text) ?? assert.fail(text), scope })))
}

describe('which connections a ban ends', () => {
  const plan = planOf(
    ['192.0.2.1', ssh],
    ['192.0.2.1', web],
    ['192.0.2.2', everything],
    ['198.51.100.0/24', ssh],
    ['2001:db8::/32', web],
    ['2001:db8::1', ssh],
  )

  for (const [remote, protocol, port, expected] of [
    ['192.0.2.1', tcp, 22, true],
    ['192.0.2.1', udp, 22, false],
    ['192.0.2.1', tcp, 85, true],
    ['192.0.2.1', udp, 443, true],
    ['192.0.2.1', tcp, 91, false],
    ['192.0.2.1', icmp, 0, false],
    ['192.0.2.2', icmp, 0, true],
    ['192.0.2.2', tcp, 65535, true],
    ['192.0.2.3', tcp, 22, false],
    ['198.51.100.7', tcp, 22, true],
    ['198.51.100.7', tcp, 80, false],
    ['198.51.101.7', tcp, 22, false],
    ['2001:db8:ffff::1', tcp, 80, true],
    ['2001:db8::1', tcp, 22, true],
    ['2001:db8::1', tcp, 443, true],
    ['2001:db8::2', tcp, 22, false],
    ['2001:db9::1', tcp, 80, false],
  ] as const)
    it(`${expected ? 'holds' : 'does not hold'} that of ${remote}, protocol ${protocol}, to port ${port}`, () => {
      assert.equal(plan.ends(bytes(remote), protocol, port), expected)
    })

  it('holds those that we began only where everything is closed', () => {
    assert.deepEqual(
      ['192.0.2.1', '192.0.2.2', '198.51.100.7', '203.0.113.1'].map((text) => plan.endsOurs(bytes(text))),
      [false, true, false, false],
    )
  })

  it('concerns only the protocols that a jail names', () => {
    assert.equal(planOf(['192.0.2.1', ssh]).concerns(udp), false)
    assert.equal(planOf(['192.0.2.1', ssh], ['192.0.2.2', web]).concerns(udp), true)
    assert.equal(planOf(['192.0.2.1', everything]).concerns(udp), true)
  })
})
