import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setUpBans } from '../../test/kit/bans-kit.js'

describe('the watcher of bans', () => {
  it('is told of a ban when it is real, saved and logged, and of its end', async () => {
    const { bans, ban, told, clock, store, log } = setUpBans()
    bans.enact(ban())
    assert.deepEqual(told, [])
    await bans.settled()
    assert.deepEqual(told, ['new sshd 192.0.2.1 60000 1 x'])
    assert.deepEqual([store.bans.size, log.lines.length], [1, 1])
    clock.turn(60_000)
    await bans.settled()
    assert.deepEqual(told.splice(0), ['new sshd 192.0.2.1 60000 1 x', 'expired sshd 192.0.2.1'])
  })

  it('is told of nothing while the kernel refuses', async () => {
    const { bans, ban, told, enforcer, clock } = setUpBans()
    enforcer.failure = new Error('EPERM')
    bans.enact(ban())
    await bans.settled()
    assert.deepEqual(told, [])
    enforcer.failure = undefined
    clock.turn(2000)
    await bans.settled()
    assert.equal(told.length, 1)
  })

  it('is told that a ban lasts longer, once it does', async () => {
    const { bans, ban, told } = setUpBans()
    bans.enact(ban())
    await bans.settled()
    bans.enact(ban('192.0.2.1', { durationMs: 120_000 }))
    await bans.settled()
    assert.deepEqual(told, ['new sshd 192.0.2.1 60000 1 x', 'prolonged sshd 192.0.2.1 120000'])
  })

  it('hears of a ban that is lengthened before it was told of as one ban of its last length', async () => {
    const { bans, ban, told } = setUpBans()
    bans.enact(ban())
    bans.enact(ban('192.0.2.1', { durationMs: 120_000 }))
    await bans.settled()
    assert.deepEqual(told, ['new sshd 192.0.2.1 120000 1 x'])
  })

  it('hears of the end before the next begin, and not at all of a ban that was lifted at once', async () => {
    const { bans, ban, told, log } = setUpBans()
    bans.enact(ban())
    bans.lift('192.0.2.1')
    await bans.settled()
    assert.deepEqual([told, log.lines], [[], []])
    bans.enact(ban())
    await bans.settled()
    told.length = 0
    bans.lift('192.0.2.1')
    bans.enact(ban())
    await bans.settled()
    assert.deepEqual(told, ['lifted sshd 192.0.2.1', 'new sshd 192.0.2.1 60000 1 x'])
    assert.deepEqual(
      log.lines.map((line) => line.slice(0, 20)),
      ['NOTICE [sshd] Ban 19', 'NOTICE [sshd] Unban ', 'NOTICE [sshd] Ban 19'],
    )
  })

  it('is told of somebody who goes on although he is banned, three seconds after the ban', async () => {
    const { bans, ban, told, clock, log } = setUpBans()
    const first = ban()
    bans.enact(first)
    await bans.settled()
    for (const lateMs of [2000, 3001, 60_001]) bans.enact({ ...ban(), startMs: clock.now() + lateMs, durationMs: 1000 })
    assert.deepEqual(told.slice(1), ['repeated sshd 192.0.2.1 3001', 'repeated sshd 192.0.2.1 60001'])
    assert.deepEqual(
      log.lines.slice(1).map((line) => line.replace(/ .*/, '')),
      ['DEBUG', 'NOTICE', 'WARNING'],
    )
  })
})

describe('a ban that is lengthened as it begins', () => {
  it('is in the kernel for its whole time at once, saved with its count, and explained behind its line', async () => {
    const lengthen = () => ({ durationMs: 120_000, count: 3, notes: [{ level: 'INFO', text: 'bad' } as const] })
    const { bans, ban, told, enforcer, store, log } = setUpBans({ lengthen })
    bans.enact(ban())
    await bans.settled()
    assert.deepEqual([...enforcer.closed], [['sshd 192.0.2.1', 120_000]])
    assert.equal(store.bans.get('sshd 192.0.2.1')?.count, 3)
    assert.deepEqual(told, ['new sshd 192.0.2.1 120000 3 x'])
    assert.deepEqual(log.lines, ['NOTICE [sshd] Ban 192.0.2.1', 'INFO bad'])
    bans.enact(ban('192.0.2.1', { durationMs: 600_000 }))
    await bans.settled()
    assert.equal(store.bans.get('sshd 192.0.2.1')?.count, 3, 'an extension is no further ban')
  })

  it('is not when its time was named', async () => {
    const { bans, ban, enforcer } = setUpBans({ lengthen: () => ({ durationMs: 120_000, count: 3, notes: [] }) })
    bans.enact(ban(), { force: false, exact: true })
    await bans.settled()
    assert.deepEqual([...enforcer.closed.values()], [60_000])
  })
})
