import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Scope } from '../domain/enforcer.js'
import { CutPlan } from './cut-plan.js'
import { everything, ip, ssh, web } from './firewall-kit.js'

const tcp = 6
const udp = 17
const icmp = 1

function planOf(...cuts: [text: string, scope: Scope][]): CutPlan {
  return new CutPlan(cuts.map(([text, scope]) => ({ ip: ip(text), scope })))
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
      assert.equal(plan.ends(Buffer.from(ip(remote).bytes), protocol, port), expected)
    })

  it('holds those that we began only where everything is closed', () => {
    assert.deepEqual(
      ['192.0.2.1', '192.0.2.2', '198.51.100.7', '203.0.113.1'].map((text) =>
        plan.endsOurs(Buffer.from(ip(text).bytes)),
      ),
      [false, true, false, false],
    )
  })

  it('concerns only the protocols that a jail names', () => {
    assert.equal(planOf(['192.0.2.1', ssh]).concerns(udp), false)
    assert.equal(planOf(['192.0.2.1', ssh], ['192.0.2.2', web]).concerns(udp), true)
    assert.equal(planOf(['192.0.2.1', everything]).concerns(udp), true)
  })
})
