import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { SwitchableEnforcer, setUpBans } from '../../test/kit/bans-kit.js'
import type { TimedClosure } from '../domain/enforcer.js'

const settled = { force: false, isSettled: true }

/** What is closed aside happens when the test says so, as on another thread. */
class SlowEnforcer extends SwitchableEnforcer {
  finish = () => {}

  async closeAside(closures: readonly TimedClosure[]): Promise<void> {
    await new Promise<void>((resolve) => {
      this.finish = resolve
    })
    await this.close(closures)
  }
}

/** Three hundred of one network, as the others have told them. */
function setUp(over: Parameters<typeof setUpBans>[0] = {}) {
  const world = setUpBans(over)
  const { bans, ban } = world
  const bring = (count = 300) => {
    for (let n = 0; n < count; n++)
      bans.enact(ban(`198.51.${100 + (n >> 8)}.${n & 255}`, { lines: ['web1: 3'] }), settled)
  }
  return { ...world, bring }
}

describe('bans that come in bulk', () => {
  it('are all in force before one of them is told of or written down', async () => {
    const { bans, bring, enforcer, store, told, log } = setUp()
    await bans.enforceFirst(async () => {
      bring()
      await bans.delivered()
      assert.deepEqual(enforcer.calls, ['close 300'])
      assert.deepEqual(bans.live.counts(), { live: 300, enforced: 300 })
      assert.deepEqual([store.bans.size, told.length, log.lines.length], [0, 0, 0])
    })
    await bans.settled()
    assert.equal(store.bans.size, 300)
    assert.deepEqual(store.bans.get('sshd 198.51.100.7')?.lines, ['web1: 3'])
    assert.equal(told.length, 300)
    assert.equal(told[7], 'new sshd 198.51.100.7 60000 1 web1: 3')
    assert.equal(log.lines[7], 'NOTICE [sshd] Ban 198.51.100.7')
  })

  it('are told of without anybody who holds them, too', async () => {
    const { bans, bring, told } = setUp()
    bring(2)
    await bans.settled()
    assert.deepEqual(told, ['new sshd 198.51.100.0 60000 1 web1: 3', 'new sshd 198.51.100.1 60000 1 web1: 3'])
  })

  it('have never been when they end before that', async () => {
    const { bans, bring, enforcer, store, told } = setUp()
    await bans.enforceFirst(async () => {
      bring(3)
      bans.lift('198.51.100.0')
      await bans.delivered()
      bans.lift('198.51.100.1')
    })
    await bans.settled()
    assert.deepEqual([...enforcer.closed.keys()], ['sshd 198.51.100.2'])
    assert.deepEqual([...store.bans.keys()], ['sshd 198.51.100.2'])
    assert.deepEqual(told, ['new sshd 198.51.100.2 60000 1 web1: 3'])
  })

  it('end in the enforcer as well when they end while it is closing them', async () => {
    const enforcer = new SlowEnforcer()
    const { bans, bring } = setUp({ enforcer })
    bring()
    await setImmediate()
    bans.lift('198.51.100.5')
    bans.lift('198.51.100.6')
    bring(6)
    enforcer.finish()
    await bans.settled()
    assert.equal(enforcer.closed.size, 299)
    assert.ok(enforcer.closed.has('sshd 198.51.100.5'), 'it has begun anew')
    assert.ok(!enforcer.closed.has('sshd 198.51.100.6'))
  })

  it('do not let anybody else wait longer than for one part of them', async () => {
    const enforcer = new SlowEnforcer()
    const { bans, ban, bring } = setUp({ enforcer })
    bring(12_000)
    await setImmediate()
    bans.enact(ban('203.0.113.1'))
    enforcer.finish()
    await setImmediate()
    assert.deepEqual(enforcer.calls, ['close 5000', 'close 1'])
    for (const _ of [2, 3]) {
      enforcer.finish()
      await setImmediate()
    }
    await bans.settled()
    assert.equal(enforcer.closed.size, 12_001)
  })

  it('are tried again like all others where the enforcer does not take them', async () => {
    const { bans, bring, clock, enforcer, store, told, log } = setUp()
    enforcer.failure = new Error('no room')
    bring(2)
    await bans.settled()
    assert.deepEqual(bans.live.counts(), { live: 2, enforced: 0 })
    assert.match(bans.trouble.enforcing ?? '', /no room/)
    enforcer.failure = undefined
    clock.turn(500)
    await bans.settled()
    assert.deepEqual(bans.live.counts(), { live: 2, enforced: 2 })
    assert.equal(store.bans.size, 2)
    assert.equal(told.length, 2)
    assert.equal(log.lines.filter((line) => line.includes('] Ban ')).length, 2)
  })

  it('are written down later where the disk does not take them', async () => {
    const { bans, bring, clock, store, told } = setUp()
    store.failure = new Error('disk full')
    bring(2)
    await bans.settled()
    assert.equal(told.length, 2)
    store.failure = undefined
    clock.turn(500)
    await bans.settled()
    assert.deepEqual(store.bans.get('sshd 198.51.100.1')?.lines, ['web1: 3'])
  })

  it('have a line each in the log, and beyond ten thousand one for all', async () => {
    const { bans, bring, log } = setUp()
    bring(10_002)
    await bans.settled()
    assert.equal(log.lines.length, 10_001)
    assert.equal(log.lines.at(-1), 'NOTICE [sshd] 2 more bans')
  })
})
