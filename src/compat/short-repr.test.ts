import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PyFloat, repr, tuple } from '../lib/python-repr.js'
import { shortRepr } from './short-repr.js'

describe('shortRepr', () => {
  it('is the whole text where that is short', () => {
    const value = ['a', tuple('b'), tuple(), { k: [1, null, true], "it's": new PyFloat(1) }, 2n ** 70n]
    assert.equal(shortRepr(value, 1000), repr(value))
  })

  it('stops soon where it is not', () => {
    assert.equal(shortRepr(['set', 'sshd', 'addfailregex', 'x'], 14), "['set', 'sshd'…]")
    const shared = ['x'.repeat(1000)]
    const large = Array.from({ length: 100_000 }, () => shared)
    assert.ok(shortRepr(large, 3000).length < 4100)
    assert.ok(shortRepr({ a: large, b: large }, 100).length < 200)
  })
})
