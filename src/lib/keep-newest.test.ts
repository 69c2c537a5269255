import assert from 'node:assert/strict'
import { it } from 'node:test'
import { keepNewest } from './keep-newest.js'

it('leaves alone what is within the bound', () => {
  const map = new Map([1, 2, 3].map((key) => [key, 'value']))
  keepNewest(map, 3)
  assert.deepEqual([...map.keys()], [1, 2, 3])
})

it('deletes the oldest, whatever was added and deleted meanwhile', () => {
  const set = new Set<number>()
  const kept: number[] = []
  for (let step = 0; step < 500; step++) {
    const key = (step * 37) % 101
    if (step % 5 === 0) {
      set.delete(key)
      if (kept.includes(key)) kept.splice(kept.indexOf(key), 1)
    }
    set.add(key)
    if (!kept.includes(key)) kept.push(key)
    keepNewest(set, 20)
    if (kept.length > 20) kept.shift()
    assert.deepEqual([...set], kept)
  }
})

it('deletes a thousandth more of many', () => {
  const map = new Map(Array.from({ length: 10_001 }, (_, key) => [key, undefined]))
  keepNewest(map, 10_000)
  assert.equal(map.size, 9990)
  assert.equal(map.keys().next().value, 11)
})

it('empties a map that may hold nothing', () => {
  const map = new Map([[undefined, 1]])
  keepNewest(map, 0)
  assert.equal(map.size, 0)
})
