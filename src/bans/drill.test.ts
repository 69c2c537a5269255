import assert from 'node:assert/strict'
import { it } from 'node:test'
import { setUpBans as setUp } from '../../test/kit/bans-kit.js'

const asDrill = { force: false, exact: true, isDrill: true } as const

it('a drill is enforced and ends like a ban, and leaves no trace', async () => {
  const { bans, ban, clock, enforcer, store, log } = setUp()
  assert.deepEqual(bans.enact(ban(), asDrill), { kind: 'enacted' })
  await bans.delivered()
  assert.equal(bans.live.get('sshd', '192.0.2.1')?.isEnforced, true)
  await bans.reconcile()
  clock.turn(60_000)
  await bans.settled()
  assert.equal(enforcer.closed.size, 0)
  assert.deepEqual([...store.bans.keys(), ...log.lines, bans.live.total('sshd')], [0])
})

it('a drill that turns into a ban is told of and kept as one', async () => {
  const { bans, ban, store, log } = setUp()
  bans.enact(ban(), asDrill)
  assert.equal(bans.enact(ban('192.0.2.1', { durationMs: 90_000 })).kind, 'extended')
  await bans.settled()
  assert.deepEqual([...store.bans.keys()], ['sshd 192.0.2.1'])
  assert.ok(log.lines.includes('NOTICE [sshd] Ban 192.0.2.1'))
  assert.equal(bans.live.total('sshd'), 1)
  bans.lift('192.0.2.1')
  await bans.settled()
  assert.ok(log.lines.includes('NOTICE [sshd] Unban 192.0.2.1'))
})
