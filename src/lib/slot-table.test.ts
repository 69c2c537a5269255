import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { SlotTable } from './slot-table.js'

it('finds what a Map would find, whatever came and went before, wherever addresses meet', () => {
  const step = fc.record({ isAdded: fc.boolean(), address: fc.oneof(fc.integer({ min: -40, max: 40 }), fc.integer()) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400, size: 'max' }), fc.nat(), (steps, seed) => {
      const column = new Int32Array(400)
      const table = new SlotTable(seed)
      const model = new Map<number, number>()
      for (const [slot, { isAdded, address }] of steps.entries()) {
        const known = model.get(address)
        assert.equal(table.find(address, column), known)
        if (isAdded && known === undefined) {
          column[slot] = address
          table.add(slot, column)
          model.set(address, slot)
        } else if (!isAdded && known !== undefined) {
          table.delete(known, column)
          model.delete(address)
        }
      }
      assert.equal(table.size, model.size)
      for (const [address, slot] of model) assert.equal(table.find(address, column), slot)
    }),
  )
})

it('leaves a slot alone that it does not have', () => {
  const table = new SlotTable()
  const column = Int32Array.of(7, 7)
  table.add(0, column)
  table.delete(1, column)
  assert.deepEqual([table.size, table.find(7, column)], [1, 0])
})
