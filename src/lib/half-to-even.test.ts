import assert from 'node:assert/strict'
import { it } from 'node:test'
import { roundHalfToEven } from './half-to-even.js'

it('rounds halves to even as Python does', () => {
  assert.deepEqual([0.5, 1.5, 2.5, 2.4, 2.6].map(roundHalfToEven), [0, 2, 2, 2, 3])
})
