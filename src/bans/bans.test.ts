import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setUpBans as setUp } from '../../test/kit/bans-kit.js'

describe('Bans', () => {
  it('enforces, then saves, then tells', async () => {
    const { bans, ban, enforcer, store, log } = setUp()
    assert.deepEqual(bans.enact(ban()), { kind: 'enacted' })
    await bans.settled()
    assert.deepEqual([...enforcer.closed], [['sshd 192.0.2.1', 60_000]])
    assert.deepEqual([...store.bans.keys()], ['sshd 192.0.2.1'])
    assert.deepEqual(log.lines, ['NOTICE [sshd] Ban 192.0.2.1'])
  })

  it('takes everything that one turn decides to the enforcer in one transaction', async () => {
    const { bans, ban, enforcer } = setUp()
    for (let i = 0; i < 100; i++) bans.enact(ban(`192.0.2.${i}`))
    await bans.settled()
    assert.deepEqual(enforcer.calls, ['close 100'])
  })

  it('writes down last what others know too, while such bans come in great numbers', async () => {
    const { bans, ban, clock, enforcer, store } = setUp({ isElsewhere: (jail) => jail === 'fleet' })
    const many = (from: number) => {
      for (let n = 0; n < 1000; n++) bans.enact(ban(`198.51.${from + (n >> 8)}.${n & 255}`, { jail: 'fleet' }))
    }
    await bans.enforceFirst(async () => {
      bans.enact(ban('192.0.2.1', { jail: 'fleet' }))
      await bans.settled()
      assert.equal(store.bans.size, 0)
      clock.turn(20)
      await bans.settled()
      assert.equal(store.bans.size, 1, 'a single one is no burst')
      many(0)
      bans.enact(ban('192.0.2.2'))
      await bans.settled()
      clock.turn(2000)
      await bans.settled()
      assert.equal(enforcer.closed.size, 1002)
      assert.deepEqual([...store.bans.keys()], ['fleet 192.0.2.1', 'sshd 192.0.2.2'])
    })
    await bans.settled()
    assert.equal(store.bans.size, 1002)
    const written = [...store.bans.keys()].slice(2)
    assert.deepEqual(written, written.toSorted(), 'neighbours together')
    many(4)
    await bans.settled()
    assert.equal(enforcer.closed.size, 2002)
    assert.equal(store.bans.size, 1002)
    clock.turn(2000)
    await bans.settled()
    assert.equal(store.bans.size, 2002)
  })

  it('writes it down, too, when whoever brings it hangs, or at an end', async () => {
    const { bans, ban, clock, store } = setUp({ isElsewhere: () => true })
    const many = (from: number) => {
      for (let n = 0; n < 1000; n++) bans.enact(ban(`198.51.${from + (n >> 8)}.${n & 255}`))
    }
    void bans.enforceFirst(() => new Promise(() => {}))
    many(0)
    await bans.settled()
    assert.equal(store.bans.size, 0)
    clock.turn(30_000)
    await bans.settled()
    assert.equal(store.bans.size, 1000)
    void bans.enforceFirst(() => new Promise(() => {}))
    many(4)
    await bans.flush()
    assert.equal(store.bans.size, 2000)
  })

  it('keeps two spellings of one address as one ban', async () => {
    const { bans, ban } = setUp()
    bans.enact(ban('::ffff:192.0.2.1'))
    assert.equal(bans.enact(ban('192.0.2.1')).kind, 'already')
    assert.equal(bans.live.count('sshd'), 1)
  })

  it('lengthens a running ban, never shortens it, and tells of it once', async () => {
    const { bans, ban, enforcer, log } = setUp()
    bans.enact(ban())
    assert.equal(bans.enact(ban('192.0.2.1', { durationMs: 1000 })).kind, 'already')
    assert.equal(bans.enact(ban('192.0.2.1', { durationMs: 90_000 })).kind, 'extended')
    assert.equal(bans.enact(ban('192.0.2.1', { durationMs: undefined })).kind, 'extended')
    await bans.settled()
    assert.deepEqual([...enforcer.closed], [['sshd 192.0.2.1', undefined]])
    assert.equal(log.lines.filter((line) => line.endsWith('Ban 192.0.2.1')).length, 1)
  })

  it('ends a ban when its time has come, and only then', async () => {
    const { bans, ban, clock, enforcer, log, store } = setUp()
    bans.enact(ban())
    bans.enact(ban('192.0.2.2', { durationMs: undefined }))
    await bans.settled()
    clock.turn(59_999)
    assert.equal(bans.live.count('sshd'), 2)
    clock.turn(1)
    await bans.settled()
    assert.equal(bans.live.count('sshd'), 1)
    assert.ok(log.lines.includes('NOTICE [sshd] Unban 192.0.2.1'))
    assert.deepEqual([...enforcer.closed.keys()], ['sshd 192.0.2.2'])
    assert.equal(store.bans.size, 2, 'an expired ban stays on record')
  })

  it('is not ended by the timer of a ban that was lifted and made anew', async () => {
    const { bans, ban, clock } = setUp()
    bans.enact(ban())
    await bans.settled()
    clock.turn(30_000)
    assert.equal(bans.lift('192.0.2.1'), 1)
    bans.enact(ban('192.0.2.1', { startMs: clock.now() }))
    await bans.settled()
    clock.turn(30_001)
    await bans.settled()
    assert.equal(bans.live.count('sshd'), 1)
  })

  it('lifts in one jail or in all, for good', async () => {
    const { bans, ban, store, enforcer } = setUp()
    for (const jail of ['sshd', 'nginx']) bans.enact(ban('192.0.2.1', { jail }))
    await bans.settled()
    assert.equal(bans.lift('192.0.2.1', 'nginx'), 1)
    await bans.settled()
    assert.deepEqual([...enforcer.closed.keys()], ['sshd 192.0.2.1'])
    assert.equal(bans.lift('::ffff:192.0.2.1'), 1)
    assert.equal(bans.lift('192.0.2.1'), 0)
    await bans.settled()
    assert.equal(store.bans.size, 0)
  })

  it('refuses who is protected, also inside a wider network, unless forced; and logs it once an hour', async () => {
    const { bans, ban, log, clock } = setUp()
    assert.deepEqual(bans.enact(ban('10.1.2.3')), { kind: 'refused', reason: 'it is home', canForce: true })
    bans.enact(ban('10.1.2.3'))
    assert.equal(log.lines.length, 1)
    clock.turn(3_600_000)
    bans.enact(ban('10.1.2.3'))
    assert.equal(log.lines.length, 2)
    assert.deepEqual(bans.enact(ban('10.1.2.3'), { force: true }), { kind: 'enacted' })
    bans.close()
  })

  it('refuses what is no address: nothing in the kernel could hold it', () => {
    const { bans, ban } = setUp()
    for (const id of ['999.9.9.9', 'some user', '']) assert.equal(bans.enact(ban(id)).kind, 'refused')
  })

  it('refuses a ban whose end is past', () => {
    const { bans, ban, clock } = setUp()
    assert.equal(bans.enact(ban('192.0.2.1', { startMs: clock.now() - 60_000 })).kind, 'expired')
  })

  it('says once that the kernel refuses, tries again, and is not a ban until it works', async () => {
    const { bans, ban, enforcer, log, clock } = setUp()
    enforcer.failure = new Error('EPERM')
    bans.enact(ban())
    await bans.settled()
    clock.turn(600)
    await bans.settled()
    assert.equal(bans.live.get('sshd', '192.0.2.1')?.isEnforced, false)
    assert.equal(bans.trouble.enforcing, 'EPERM')
    assert.deepEqual(log.lines, ['ERROR Not enforced: 1 change(s) wait for the kernel, trying again: EPERM'])
    assert.equal(bans.enforcementFailures, 2)
    enforcer.failure = undefined
    clock.turn(2000)
    await bans.settled()
    assert.equal(bans.live.get('sshd', '192.0.2.1')?.isEnforced, true)
    assert.ok(log.lines.includes('NOTICE [sshd] Ban 192.0.2.1'))
    assert.equal(bans.trouble.enforcing, undefined)
  })

  it('enforces the others when the kernel refuses one', async () => {
    const { bans, ban, enforcer } = setUp()
    enforcer.poison = '192.0.2.3'
    for (let i = 0; i < 10; i++) bans.enact(ban(`192.0.2.${i}`))
    await bans.settled()
    assert.equal(enforcer.closed.size, 9)
    assert.equal(bans.live.get('sshd', '192.0.2.3')?.isEnforced, false)
    bans.close()
  })

  it('keeps a ban in the kernel while the disk refuses it, says so once, and saves it later', async () => {
    const { bans, ban, enforcer, store, log, clock } = setUp()
    store.failure = new Error('database or disk is full')
    bans.enact(ban())
    await bans.settled()
    bans.enact(ban('192.0.2.2'))
    await bans.settled()
    assert.equal(enforcer.closed.size, 2)
    assert.equal(log.lines.filter((line) => line.startsWith('ERROR Cannot save')).length, 1)
    store.failure = undefined
    clock.turn(20_000)
    await bans.settled()
    assert.equal(store.bans.size, 2)
    assert.equal(bans.trouble.storing, undefined)
  })

  it('does not bring a ban back that was lifted while the disk was full', async () => {
    const { bans, ban, store, clock } = setUp()
    store.failure = new Error('full')
    bans.enact(ban())
    await bans.settled()
    bans.lift('192.0.2.1')
    await bans.settled()
    store.failure = undefined
    clock.turn(20_000)
    await bans.settled()
    assert.equal(store.bans.size, 0)
  })

  it('restores what still runs, with its remaining time, and leaves out who is protected now', async () => {
    const { bans, ban, store, enforcer, clock, log } = setUp()
    store.add([
      ban('192.0.2.1'),
      ban('192.0.2.2', { durationMs: 1000 }),
      ban('10.0.0.1'),
      ban('192.0.2.3', { durationMs: undefined }),
    ])
    clock.turn(20_000)
    assert.equal(await bans.restore([['sshd', {}]]), 2)
    assert.deepEqual(
      [...enforcer.closed],
      [
        ['sshd 192.0.2.1', 40_000],
        ['sshd 192.0.2.3', undefined],
      ],
    )
    assert.ok(log.lines.includes('NOTICE [sshd] Restore Ban 192.0.2.1'))
    clock.turn(40_000)
    await bans.settled()
    assert.equal(bans.live.count('sshd'), 1)
  })
})
