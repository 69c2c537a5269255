import assert from 'node:assert/strict'
import { it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { setUpBans } from '../../test/kit/bans-kit.js'
import { endMs } from '../domain/ban.js'

const id = fc.constantFrom('192.0.2.1', '192.0.2.2', '192.0.2.0/24', '2001:db8::1', 'bob')
const jail = fc.constantFrom('sshd', 'shell')
const step = fc.oneof(
  fc.record({
    what: fc.constant('ban' as const),
    id,
    jail,
    durationMs: fc.constantFrom(1000, 5000, 60_000, undefined),
    isSettled: fc.boolean(),
  }),
  fc.record({ what: fc.constant('bring' as const), turns: fc.integer({ min: 0, max: 5 }) }),
  fc.record({ what: fc.constant('lift' as const), id, jail: fc.option(jail, { nil: undefined }) }),
  fc.record({ what: fc.constant('all' as const), jail }),
  fc.record({ what: fc.constant('time' as const), byMs: fc.constantFrom(1, 500, 3000, 30_000) }),
  fc.record({ what: fc.constant('settle' as const) }),
  fc.record({ what: fc.constant('kernel' as const), isBroken: fc.boolean() }),
  fc.record({ what: fc.constant('disk' as const), isBroken: fc.boolean() }),
  fc.record({
    what: fc.constant('retime' as const),
    jail,
    fromMs: fc.constantFrom(1000, 60_000),
    toMs: fc.constantFrom(2000, undefined),
  }),
)

it('whatever happens in whatever order, kernel, disk and watcher end up with what is live, and no ban is told twice', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
      const { bans, ban, clock, enforcer, store, told } = setUpBans({
        isInKernel: (jail) => jail === 'sshd',
        mayBanText: (jail) => jail === 'shell',
      })
      for (const one of steps) {
        if (one.what === 'ban')
          bans.enact(ban(one.id, { jail: one.jail, durationMs: one.durationMs }), {
            force: false,
            isSettled: one.isSettled,
          })
        else if (one.what === 'bring') void bans.enforceFirst(() => turns(one.turns))
        else if (one.what === 'lift') bans.lift(one.id, one.jail)
        else if (one.what === 'all') bans.liftAll([one.jail])
        else if (one.what === 'time') clock.turn(one.byMs)
        else if (one.what === 'settle') await bans.settled()
        else if (one.what === 'retime') bans.retime(one.jail, one.fromMs, one.toMs)
        else (one.what === 'kernel' ? enforcer : store).failure = one.isBroken ? new Error('no') : undefined
      }
      enforcer.failure = undefined
      store.failure = undefined
      for (let i = 0; i < 3; i++) {
        await bans.flush()
        clock.turn(0)
      }
      clock.turn(40_000)
      await bans.flush()
      const live = [...bans.live.all()]
      assert.ok(
        live.every((one) => endMs(one) > clock.now()),
        'nobody is banned beyond his time',
      )
      const key = (one: { jail: string; id: string }) => `${one.jail} ${one.id}`
      const inKernel = live.filter((one) => one.jail === 'sshd').map(key)
      assert.deepEqual([...enforcer.closed.keys()].sort(), inKernel.sort())
      for (const one of live) assert.ok(store.bans.has(key(one)), `${key(one)} is saved`)
      assert.deepEqual(stillBannedBy(told), live.map(key).sort())
      bans.close()
    }),
    { numRuns: 300 },
  )
})

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await setImmediate()
}

/** Plays back what the watcher was told: begins and ends of each ban take turns. */
function stillBannedBy(told: readonly string[]): string[] {
  const banned = new Set<string>()
  for (const text of told) {
    const [what = '', jail, name] = text.split(' ')
    const key = `${jail} ${name}`
    if (what === 'repeated') continue
    assert.equal(banned.has(key), what !== 'new', text)
    if (what === 'new') banned.add(key)
    if (what === 'expired' || what === 'lifted') banned.delete(key)
  }
  return [...banned].sort()
}
