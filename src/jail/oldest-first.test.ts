import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { OldestFirst } from './oldest-first.js'

it('always gives the first key, whatever was added and deleted meanwhile', () => {
  const step = fc.record({ what: fc.constantFrom('add', 'add', 'again', 'delete', 'take'), key: fc.nat(30) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const map = new Map<number, unknown>()
      const oldest = new OldestFirst(map)
      for (const { what, key } of steps) {
        if (what === 'delete' || what === 'again') map.delete(key)
        if (what === 'add' || what === 'again') map.set(key, undefined)
        if (what !== 'take') continue
        const [first] = map.keys()
        assert.equal(oldest.next(), first)
        map.delete(first ?? -1)
      }
    }),
  )
})
