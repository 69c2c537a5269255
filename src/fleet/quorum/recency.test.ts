import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { Recency } from './recency.js'

it('keeps the order that a Map keeps when what is told again is deleted and set', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ row: fc.nat(150), isGone: fc.boolean() }), { maxLength: 300, size: 'max' }),
      (steps) => {
        const recency = new Recency()
        const model = new Set<number>()
        for (const { row, isGone } of steps) {
          if (!model.has(row)) recency.add(row)
          else if (isGone) recency.delete(row)
          else recency.renew(row)
          const isLeft = !isGone || !model.has(row)
          model.delete(row)
          if (isLeft) model.add(row)
          assert.equal(recency.oldest, [...model][0] ?? -1)
        }
        const rows: number[] = []
        for (let row = recency.oldest; row >= 0; row = recency.newerThan(row)) rows.push(row)
        assert.deepEqual(rows, [...model])
      },
    ),
  )
})
