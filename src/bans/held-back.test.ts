import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setUpBans } from '../../test/kit/bans-kit.js'
import { ManualClock } from '../../test/kit/manual-clock.js'
import { RecordingLog } from '../../test/kit/recording-log.js'
import { Bans } from './bans.js'
import { HeldBack } from './held-back.js'
import { Peers } from './peers.js'

const nobody = { now: () => new Peers([]), soon() {}, close() {} }

function setUp(perMinute = 3) {
  const clock = new ManualClock()
  const log = new RecordingLog()
  const heldBack = new HeldBack({ clock, log, limits: () => ({ perMinute, peersPercent: 50 }), connected: nobody })
  const kit = setUpBans()
  const bans = new Bans({
    clock,
    log,
    enforcer: kit.enforcer,
    store: kit.store,
    protection: () => undefined,
    holdBack: (ban, ip) => heldBack.against(ban, ip),
  })
  const ban = (n: number, change = {}) => kit.ban(`192.0.2.${n}`, { startMs: clock.now(), ...change })
  return { clock, log, heldBack, bans, ban, enforcer: kit.enforcer, store: kit.store }
}

describe('bans that are held back', () => {
  it('are decided and shown, but not enforced, and people are told once', async () => {
    const { bans, ban, heldBack, log, enforcer, store } = setUp()
    for (let n = 1; n <= 3; n++) assert.equal(bans.enact(ban(n)).kind, 'enacted')
    assert.deepEqual(bans.enact(ban(4)), {
      kind: 'held',
      reason: 'sshd holds back: more than 3 new bans in a minute ([protect] budget)',
    })
    bans.enact(ban(5))
    bans.enact(ban(5))
    await bans.settled()
    assert.equal(enforcer.closed.size, 3)
    assert.equal(store.bans.size, 3)
    assert.deepEqual(
      heldBack.jails().map(({ jail, count, bans }) => [jail, count, bans.map(({ id }) => id)]),
      [['sshd', 2, ['192.0.2.4', '192.0.2.5']]],
    )
    assert.equal(log.lines.filter((line) => line.startsWith('ERROR')).length, 1)
  })

  it('do not keep other jails, operators or ends that move from their bans', () => {
    const { bans, ban } = setUp()
    for (let n = 1; n <= 5; n++) bans.enact(ban(n))
    assert.equal(bans.enact(ban(9, { jail: 'nginx' })).kind, 'enacted')
    assert.equal(bans.enact(ban(9, { origin: { kind: 'operator' } })).kind, 'enacted')
    assert.equal(bans.enact(ban(1, { durationMs: 600_000 })).kind, 'extended')
  })

  it('are enforced when an operator says that they are right, and so are those that follow', () => {
    const { bans, ban, heldBack, clock } = setUp()
    for (let n = 1; n <= 5; n++) bans.enact(ban(n))
    assert.equal(heldBack.resume('nginx', clock.now() + 1), undefined)
    const held = heldBack.resume('sshd', clock.now() + 3_600_000) ?? assert.fail()
    for (const one of held) assert.equal(bans.enact(one).kind, 'enacted')
    for (let n = 10; n < 50; n++) assert.equal(bans.enact(ban(n)).kind, 'enacted')
    assert.deepEqual(heldBack.jails(), [])
  })

  it('are forgotten when it was quiet for five minutes; then bans are enforced again', () => {
    const { bans, ban, heldBack, clock, log } = setUp()
    for (let n = 1; n <= 5; n++) bans.enact(ban(n))
    clock.turn(200_000)
    for (let n = 11; n <= 16; n++) bans.enact(ban(n))
    clock.turn(200_000)
    assert.equal(heldBack.jails().length, 1)
    clock.turn(100_001)
    assert.deepEqual(heldBack.jails(), [])
    assert.match(log.lines.at(-1) ?? '', /enforced again; 8 that were held back are forgotten/)
    assert.equal(bans.enact(ban(20)).kind, 'enacted')
  })
})
