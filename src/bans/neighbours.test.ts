import assert from 'node:assert/strict'
import { it } from 'node:test'
import { neighboursTogether } from './neighbours.js'

it('gives every slot once, by the upper half of its address', () => {
  const addresses = Int32Array.from({ length: 5000 }, (_, slot) => Math.imul(slot, 2654435761))
  const slots = Uint32Array.from({ length: 2500 }, (_, i) => i * 2)
  const sorted = neighboursTogether(slots, addresses)
  assert.deepEqual([...sorted].sort(), [...slots].sort())
  const halves = [...sorted].map((slot) => (addresses[slot] ?? 0) >>> 16)
  assert.deepEqual(
    halves,
    halves.toSorted((a, b) => a - b),
  )
})
