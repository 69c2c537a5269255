import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { ManualClock } from '../../test/kit/manual-clock.js'
import { Expiry } from './expiry.js'

it('calls back for each item at its time, whatever the order they came in', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(10_000), { minLength: 1, maxLength: 200 }), (delays) => {
      const clock = new ManualClock(0)
      const due: [number, number][] = []
      const expiry = new Expiry<number>(clock, (items) =>
        due.push(...items.map((item): [number, number] => [item, clock.now()])),
      )
      for (const delay of delays) expiry.add(delay, delay)
      clock.turn(10_000)
      assert.deepEqual(
        due,
        [...delays].sort((a, b) => a - b).map((delay) => [delay, delay]),
      )
    }),
  )
})

it('sets its timer anew when an earlier item comes', () => {
  const clock = new ManualClock(0)
  const due: string[] = []
  const expiry = new Expiry<string>(clock, (items) => due.push(...items))
  expiry.add('late', 1000)
  expiry.add('early', 10)
  clock.turn(10)
  assert.deepEqual(due, ['early'])
  clock.turn(990)
  assert.deepEqual(due, ['early', 'late'])
})

it('is silent after its close', () => {
  const clock = new ManualClock(0)
  const expiry = new Expiry<string>(clock, () => assert.fail('called after close'))
  expiry.add('x', 10)
  expiry.close()
  clock.turn(100)
})
