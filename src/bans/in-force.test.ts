import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setUpBans } from '../../test/kit/bans-kit.js'
import { ipOf } from '../domain/address.js'
import { InForce } from './in-force.js'
import { LiveBans } from './live-bans.js'

const many = 100_001

/** A jail with more bans than are compared, all of them live. */
function setUp() {
  const { clock, enforcer } = setUpBans()
  const live = new LiveBans()
  const closures = Array.from({ length: many }, (_, i) => {
    const ip = ipOf(Uint8Array.of(10, i >> 16, (i >> 8) & 255, i & 255))
    live.add({ jail: 'sshd', id: ip.text, startMs: clock.now(), durationMs: 60_000, count: 1 })
    return { jail: 'sshd', ip, remainingMs: 60_000 }
  })
  const step = { taken: many, closures, declined: [] }
  return { enforcer, closures, step, inForce: new InForce({ clock, enforcer, live, isInKernel: () => true }) }
}

describe('very many bans at once', () => {
  it('are closed again, some thousands at a time, where some are missing', async () => {
    const { enforcer, inForce } = setUp()
    await inForce.settle()
    assert.equal(enforcer.closed.size, many)
    assert.ok(enforcer.calls.every((call) => /^close \d{1,4}$/.test(call)))
    await inForce.settle()
    assert.equal(enforcer.calls.length, Math.ceil(many / 4000))
  })

  it('that are in force already stay as they are, but for those who are to be let in', async () => {
    const { enforcer, inForce, closures, step } = setUp()
    await enforcer.close(closures)
    const declined = [{ jail: 'sshd', ip: ipOf(Uint8Array.of(192, 0, 2, 1)) }]
    assert.equal(await inForce.follow([['sshd', [{ ...step, declined }]]], { isStart: false }), many)
    assert.deepEqual(enforcer.calls, [`close ${many}`, 'open 1'])
  })
})
