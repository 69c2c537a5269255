import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { setUpBans } from '../../test/kit/bans-kit.js'

describe('a jail that closes nothing in the kernel', () => {
  const options = { isInKernel: (jail: string) => jail !== 'shell' }

  it('has bans that never reach the enforcer, and are real when its actions say so', async () => {
    const { bans, ban, enforcer, store, told } = setUpBans(options)
    bans.enact(ban('192.0.2.1', { jail: 'shell' }))
    bans.enact(ban('192.0.2.2'))
    await bans.settled()
    assert.deepEqual([...enforcer.closed.keys()], ['sshd 192.0.2.2'])
    assert.deepEqual([store.bans.size, told.length], [2, 2])
    const isEnforced = () => bans.live.get('shell', '192.0.2.1')?.isEnforced
    assert.deepEqual([isEnforced(), bans.live.counts()], [false, { live: 2, enforced: 1 }])
    bans.setEnforced('shell', '192.0.2.1', true)
    assert.equal(isEnforced(), true)
    bans.setEnforced('shell', '192.0.2.1', false)
    bans.setEnforced('sshd', '192.0.2.2', false)
    assert.deepEqual([isEnforced(), bans.live.get('sshd', '192.0.2.2')?.isEnforced], [false, true])
    bans.lift('192.0.2.1')
    await bans.settled()
    assert.deepEqual(enforcer.calls, ['close 1'])
    assert.equal(told.at(-1), 'lifted shell 192.0.2.1')
  })

  it('is left out when the kernel is brought in line', async () => {
    const { bans, ban, enforcer, store, told } = setUpBans(options)
    store.add([ban('192.0.2.1', { jail: 'shell' }), ban('192.0.2.2')])
    const restored = await bans.restore([
      ['shell', {}],
      ['sshd', {}],
    ])
    assert.equal(restored, 2)
    assert.deepEqual([...enforcer.closed.keys()], ['sshd 192.0.2.2'])
    assert.deepEqual(told, ['restored shell 192.0.2.1 60000 2 ', 'restored sshd 192.0.2.2 60000 2 '])
  })
})

describe('an id that is no address', () => {
  it('is banned where actions take any text, and only there', async () => {
    const { bans, ban, enforcer, told, store } = setUpBans({ mayBanText: (jail) => jail === 'users' })
    assert.equal(bans.enact(ban('bob smith')).kind, 'refused')
    assert.equal(bans.enact(ban('x'.repeat(3000), { jail: 'users' })).kind, 'refused')
    assert.equal(bans.enact(ban('bob smith', { jail: 'users' })).kind, 'enacted')
    await bans.settled()
    assert.deepEqual([enforcer.calls, told, store.bans.size], [[], ['new users bob smith 60000 1 x'], 1])
    assert.equal(bans.live.counts().enforced, 0)
    bans.setEnforced('users', 'bob smith', true)
    assert.equal(bans.live.counts().enforced, 1)
    assert.equal(bans.lift('bob smith', 'users'), 1)
    await bans.settled()
    assert.deepEqual([enforcer.calls, store.bans.size], [[], 0])
  })

  it('comes back after a restart with the lines that its actions may want', async () => {
    const { bans, ban, store, told } = setUpBans({ mayBanText: (jail) => jail === 'users' })
    store.add([ban('bob', { jail: 'users' }), ban('bob')])
    const restored = await bans.restore([
      ['users', {}],
      ['sshd', {}],
    ])
    assert.equal(restored, 1)
    assert.deepEqual(told, ['restored users bob 60000 2 x'])
  })
})

describe('an unban', () => {
  it('of a network lifts what is inside it, and nothing else', async () => {
    const { bans, ban, enforcer, store } = setUpBans()
    for (const id of ['192.0.2.1', '192.0.2.0/28', '192.0.2.200', '192.0.3.1', '2001:db8::1']) bans.enact(ban(id))
    bans.enact(ban('192.0.2.7', { jail: 'nginx' }))
    await bans.settled()
    assert.equal(bans.lift('192.0.2.0/25', 'sshd'), 2)
    assert.equal(bans.lift('192.0.2.0/24'), 2)
    await bans.settled()
    assert.deepEqual([...enforcer.closed.keys()], ['sshd 192.0.3.1', 'sshd 2001:db8::1'])
    assert.equal(store.bans.size, 2)
  })

  it('of somebody who is not banned any more takes him off the record, in every jail', async () => {
    const { bans, ban, store, clock, log } = setUpBans()
    for (const jail of ['sshd', 'nginx']) bans.enact(ban('192.0.2.1', { jail }))
    await bans.settled()
    clock.turn(60_000)
    await bans.settled()
    assert.equal(store.bans.size, 2)
    assert.equal(bans.lift('192.0.2.1', 'sshd'), 0)
    assert.equal(log.lines.at(-1), 'MSG 192.0.2.1 is not banned')
    await bans.settled()
    assert.deepEqual([...store.bans.keys()], ['nginx 192.0.2.1'])
    assert.equal(bans.lift('192.0.2.1'), 0)
    await bans.settled()
    assert.equal(store.bans.size, 0)
  })

  it('of everybody empties the jails and their records, also those that could not be saved so far', async () => {
    const { bans, ban, store, enforcer, told, clock } = setUpBans()
    for (let i = 0; i < 20; i++) bans.enact(ban(`192.0.2.${i}`))
    bans.enact(ban('192.0.2.1', { jail: 'nginx' }))
    await bans.settled()
    store.failure = new Error('full')
    bans.enact(ban('192.0.2.100'))
    await bans.settled()
    assert.equal(bans.liftAll(['sshd']), 21)
    await bans.settled()
    assert.deepEqual([...enforcer.closed.keys()], ['nginx 192.0.2.1'])
    assert.equal(told.filter((text) => text.startsWith('lifted')).length, 21)
    store.failure = undefined
    clock.turn(60_000)
    await bans.settled()
    assert.deepEqual([...store.bans.keys()], ['nginx 192.0.2.1'])
  })
})

describe('a new ban time of a jail', () => {
  it('moves the ends of the bans that have the old one', async () => {
    const { bans, ban, enforcer, clock, told, store } = setUpBans()
    bans.enact(ban())
    bans.enact(ban('192.0.2.2', { durationMs: 90_000 }))
    bans.enact(ban('192.0.2.3', { jail: 'nginx' }))
    await bans.settled()
    bans.retime('sshd', 60_000, 30_000)
    await bans.settled()
    assert.deepEqual([...enforcer.closed.values()], [30_000, 90_000, 60_000])
    assert.equal(store.bans.get('sshd 192.0.2.1')?.durationMs, 30_000)
    assert.equal(told.length, 3)
    clock.turn(30_000)
    await bans.settled()
    assert.deepEqual(told.slice(3), ['expired sshd 192.0.2.1'])
    bans.retime('sshd', 90_000, undefined)
    clock.turn(1_000_000)
    await bans.settled()
    assert.equal(bans.live.get('sshd', '192.0.2.2')?.durationMs, undefined)
    bans.retime('sshd', undefined, 1000)
    clock.turn(0)
    await bans.settled()
    assert.equal(bans.live.count('sshd'), 0, 'its new end is past')
  })
})

describe('bans at a restart', () => {
  it('are cut to what the jail allows now, but not those that an operator has made', async () => {
    const { bans, ban, store, clock } = setUpBans()
    store.add([
      ban('192.0.2.1', { durationMs: 3_600_000 }),
      ban('192.0.2.2', { durationMs: undefined }),
      ban('192.0.2.3', { durationMs: undefined, origin: { kind: 'operator' } }),
      ban('192.0.2.4', { durationMs: 3_600_000, startMs: clock.now() - 600_000 }),
    ])
    assert.equal(await bans.restore([['sshd', { durationMsMax: 600_000 }]]), 3)
    assert.deepEqual(
      bans.live.byEnd('sshd').map(({ id, durationMs }) => [id, durationMs]),
      [
        ['192.0.2.1', 600_000],
        ['192.0.2.2', 600_000],
        ['192.0.2.3', undefined],
      ],
    )
  })

  it('are left out when their id is ignored now, which is logged as Fail2ban does, and let in', async () => {
    const { bans, ban, store, log, enforcer } = setUpBans()
    enforcer.closed.set('sshd 192.0.2.1', 1)
    store.add([ban('192.0.2.1', { origin: { kind: 'operator' } }), ban('192.0.2.2')])
    const rules = { ignored: (id: string) => (id === '192.0.2.1' ? 'ip' : undefined) }
    assert.equal(await bans.restore([['sshd', rules]]), 1)
    assert.equal(log.lines[0], 'INFO [sshd] Ignore 192.0.2.1 by ip')
    assert.deepEqual([...enforcer.closed.keys()], ['sshd 192.0.2.2'])
  })
})

it('lists bans by their end, permanent ones last', () => {
  const { bans, ban } = setUpBans()
  for (const [id, durationMs] of [
    ['192.0.2.1', undefined],
    ['192.0.2.2', 5000],
    ['192.0.2.3', 1000],
  ] as const)
    bans.enact(ban(id, { durationMs }))
  assert.deepEqual(
    bans.live.byEnd('sshd').map(({ id }) => id),
    ['192.0.2.3', '192.0.2.2', '192.0.2.1'],
  )
})

it('never tells of the end of a restored ban that nobody was told of', async () => {
  const { bans, ban, store, told, log, enforcer } = setUpBans()
  store.add([ban('192.0.2.1'), ban('192.0.2.2')])
  const restoring = bans.restore([['sshd', {}]])
  while (bans.live.count('sshd') === 0) await setImmediate()
  bans.lift('192.0.2.1')
  await restoring
  await bans.settled()
  assert.deepEqual(told, ['restored sshd 192.0.2.2 60000 2 '])
  assert.deepEqual(log.lines, ['NOTICE [sshd] Restore Ban 192.0.2.2'])
  assert.deepEqual([...enforcer.closed.keys()], ['sshd 192.0.2.2'])
})

it('tells of thousands of restored bans in parts, and of all of them before an orderly end', async () => {
  const { bans, ban, store, told } = setUpBans()
  store.add(Array.from({ length: 5000 }, (_, i) => ban(`203.0.${i >> 8}.${i & 255}`)))
  await bans.restore([['sshd', {}]])
  assert.equal(told.length, 2000)
  await bans.flush()
  assert.equal(told.length, 5000)
})

describe('what the enforcer holds', () => {
  it('is closed as it is read, and compared where it holds something else', async () => {
    const { bans, ban, store, enforcer } = setUpBans()
    store.add(Array.from({ length: 12_000 }, (_, i) => ban(`203.${i >> 16}.${(i >> 8) & 255}.${i & 255}`)))
    await bans.restore([['sshd', {}]])
    assert.deepEqual([enforcer.closed.size, enforcer.calls[0]], [12_000, 'close 12000'])
    assert.deepEqual(bans.live.counts(), { live: 12_000, enforced: 12_000 })
    await bans.reconcile()
    assert.equal(enforcer.calls.length, 1)
    enforcer.closed.set('sshd 198.51.100.1', 1)
    await bans.reconcile()
    assert.equal(enforcer.calls[1], 'reconcile 12000')
    assert.equal(enforcer.closed.size, 12_000)
  })
})
