import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Gaps } from './gaps.js'

it('what a node tells after it has joined anew is missing until it has come, though its former numbers were higher', () => {
  const gaps = new Gaps()
  gaps.covered('web7', 500)
  assert.equal(gaps.isBehind('web7', 3), false)
  gaps.forget('web7')
  gaps.heard('web7', 1)
  gaps.heard('web7', 2)
  assert.deepEqual([gaps.isBehind('web7', 2), gaps.isBehind('web7', 3)], [false, true])
})
