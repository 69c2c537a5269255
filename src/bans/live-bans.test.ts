import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { type LiveBan, LiveBans } from './live-bans.js'

it('keeps what a map of objects would keep, whatever is added, changed and deleted', () => {
  const step = fc.record({
    what: fc.constantFrom('add', 'add', 'delete', 'retime', 'enforce'),
    jail: fc.constantFrom('a', 'b'),
    id: fc.nat(400).map((n) => (n % 2 === 0 ? `10.0.${n >> 8}.${n & 255}` : `${n}`)),
    startMs: fc.nat(1e9),
    durationMs: fc.option(fc.nat(1e9), { nil: undefined }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 800, size: 'max' }), (steps) => {
      const live = new LiveBans()
      const model = new Map<string, Omit<LiveBan, 'slot' | 'serial'>>()
      for (const { what, jail, id, startMs, durationMs } of steps) {
        const key = `${jail} ${id}`
        const known = live.get(jail, id)
        if (known === undefined) {
          if (what !== 'add') continue
          live.add({ jail, id, startMs, durationMs, count: 3 })
          model.set(key, { jail, id, startMs, durationMs, count: 3, isEnforced: false })
        } else if (what === 'delete') {
          live.delete(known)
          model.delete(key)
          assert.equal(live.isLive(known), false)
        } else if (what === 'retime') {
          live.retime(known, { startMs, durationMs })
          model.set(key, { ...known, startMs, durationMs })
        } else {
          live.setEnforced(known, true)
          model.set(key, { ...known, isEnforced: true })
        }
      }
      const plain = ({ jail, id, startMs, durationMs, count, isEnforced }: Omit<LiveBan, 'slot' | 'serial'>) =>
        JSON.stringify({ jail, id, startMs, durationMs, count, isEnforced })
      assert.deepEqual([...live.all()].map(plain).sort(), [...model.values()].map(plain).sort())
      const enforced = [...model.values()].filter((ban) => ban.isEnforced).length
      assert.deepEqual(live.counts(), { live: model.size, enforced })
    }),
    { numRuns: 50 },
  )
})

it('tells a ban from a later one in its place', () => {
  const live = new LiveBans()
  const first = live.add({ jail: 'a', id: 'x', startMs: 1, durationMs: 1, count: 1 })
  live.delete(first)
  const second = live.add({ jail: 'a', id: 'x', startMs: 2, durationMs: 2, count: 1 })
  assert.equal(second.slot, first.slot)
  live.setEnforced(first, true)
  live.delete(first)
  assert.deepEqual([live.isLive(first), live.isLive(second), live.get('a', 'x')?.isEnforced], [false, true, false])
  assert.deepEqual([live.count('a'), live.total('a')], [1, 2])
})

it('goes through one jail without what is another’s, even of one that has come in place of a third', () => {
  const live = new LiveBans()
  const times = { startMs: 1, durationMs: 1, count: 1 }
  const gone = live.add({ jail: 'a', id: '192.0.2.1', ...times })
  live.add({ jail: 'b', id: '192.0.2.1', ...times })
  live.add({ jail: 'a', id: '192.0.2.2', ...times })
  const going = live.of('a')
  assert.equal(going.next().value?.id, '192.0.2.1')
  for (const ban of [gone, ...live.of('a')]) live.delete(ban)
  live.forgetJail('a')
  live.add({ jail: 'c', id: '192.0.2.3', ...times })
  assert.deepEqual([...going], [])
  assert.deepEqual(
    [...live.of('c'), ...live.of('b'), ...live.of('a')].map(({ jail, id }) => `${jail} ${id}`),
    ['c 192.0.2.3', 'b 192.0.2.1'],
  )
})
