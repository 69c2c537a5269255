import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { ManualClock } from '../../test/kit/manual-clock.js'
import { Expiry } from './expiry.js'

it('calls back for each item at its last time, whatever was said before, and not for those taken out', () => {
  const step = fc.record({ item: fc.nat(300), atMs: fc.option(fc.nat(10_000), { nil: undefined }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 600 }), (steps) => {
      const clock = new ManualClock(0)
      const due: [number, number][] = []
      const expiry = new Expiry(clock, (items) =>
        due.push(...items.map((item): [number, number] => [clock.now(), item])),
      )
      const wanted = new Map<number, number>()
      for (const { item, atMs } of steps) {
        if (atMs === undefined) {
          expiry.delete(item)
          wanted.delete(item)
        } else {
          expiry.set(item, atMs)
          wanted.set(item, atMs)
        }
      }
      clock.turn(10_000)
      const sorted = (pairs: [number, number][]) => pairs.sort((a, b) => a[0] - b[0] || a[1] - b[1])
      assert.deepEqual(sorted(due), sorted([...wanted].map(([item, atMs]): [number, number] => [atMs, item])))
    }),
  )
})

it('sets its timer anew when an earlier item comes', () => {
  const clock = new ManualClock(0)
  const due: number[] = []
  const expiry = new Expiry(clock, (items) => due.push(...items))
  expiry.set(7, 1000)
  expiry.set(3, 10)
  clock.turn(10)
  assert.deepEqual(due, [3])
  clock.turn(990)
  assert.deepEqual(due, [3, 7])
})

it('hands over what ends in one moment in parts', () => {
  const clock = new ManualClock(0)
  const sizes: number[] = []
  const expiry = new Expiry(clock, (items) => sizes.push(items.length))
  for (let item = 0; item < 1200; item++) expiry.set(item, 10)
  clock.turn(10)
  assert.deepEqual(sizes, [500, 500, 200])
})

it('is silent after its close', () => {
  const clock = new ManualClock(0)
  const expiry = new Expiry(clock, () => assert.fail('called after close'))
  expiry.set(1, 10)
  expiry.close()
  clock.turn(100)
})
