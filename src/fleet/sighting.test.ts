import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { markReached } from './sighting.js'

describe('markReached', () => {
  it('tells at 1, 3, 10 and 30 failures, and at nothing between', () => {
    const told: number[] = []
    for (let failures = 1; failures <= 100; failures++) {
      const mark = markReached(failures - 1, failures)
      if (mark !== undefined) told.push(mark)
    }
    assert.deepEqual(told, [1, 3, 10, 30])
  })

  it('tells the highest of several marks that one step passes', () => {
    assert.equal(markReached(0, 12), 10)
    assert.equal(markReached(1, 9), 3)
  })

  it('tells again when the count has fallen in between, and never when it falls', () => {
    assert.equal(markReached(2, 3), 3)
    assert.equal(markReached(3, 2), undefined)
    assert.equal(markReached(3, 3), undefined)
  })

  it('takes other marks', () => {
    assert.equal(markReached(4, 5, [1, 5]), 5)
    assert.equal(markReached(2, 3, [1, 5]), undefined)
  })
})
