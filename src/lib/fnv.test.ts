import assert from 'node:assert/strict'
import { it } from 'node:test'
import { fnv1a } from './fnv.js'

it('is FNV-1a: the values that its authors publish', () => {
  assert.deepEqual([fnv1a(''), fnv1a('a'), fnv1a('foobar')], [0x811c9dc5, 0xe40c292c, 0xbf9cf968])
})
