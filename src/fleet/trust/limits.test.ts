import assert from 'node:assert/strict'
import { it } from 'node:test'
import { limitsByDefault, limitsOf } from './limits.js'

it('limits are the defaults where the configuration says nothing', () => {
  const limits = limitsOf({ own: { burst: 9000 } })
  assert.deepEqual(limits, { ...limitsByDefault, own: { ...limitsByDefault.own, burst: 9000 } })
})
