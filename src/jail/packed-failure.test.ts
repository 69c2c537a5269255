import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { packedTimeMs, packFailure, unpackFailure } from './packed-failure.js'

const field = fc.string({ unit: fc.constantFrom('a', ' ', '\0', '\x02', 'ä', '\u{1f514}', '=', '\r') })

it('gives back what was packed', () => {
  const failures = fc.record({
    id: fc.string({ minLength: 1 }),
    timeMs: fc.integer({ min: 0, max: 4e12 }),
    lines: fc.array(field, { maxLength: 4 }),
    data: fc.dictionary(fc.constantFrom('user', 'ip4', 'mlfid'), field),
  })
  fc.assert(
    fc.property(failures, (failure) => {
      // The mark for "the id itself" cannot be told from itself; a log line has no such field.
      fc.pre(!Object.values(failure.data).includes('\x02'))
      const packed = packFailure(failure) ?? assert.fail('packed')
      assert.deepEqual(unpackFailure(failure.id, packed), { ...failure, data: { ...failure.data } })
      assert.equal(packedTimeMs(packed), failure.timeMs)
    }),
  )
})

it('keeps the id once', () => {
  const failure = { id: '192.0.2.1', timeMs: 1, lines: ['x'], data: { ip4: '192.0.2.1', user: 'root' } }
  const packed = packFailure(failure) ?? assert.fail('packed')
  assert.ok(!packed.includes('192.0.2.1'))
  assert.deepEqual(unpackFailure('192.0.2.1', packed), failure)
})

it('does not pack what spans lines', () => {
  assert.equal(packFailure({ id: 'x', timeMs: 1, lines: ['a\nb'], data: {} }), undefined)
  assert.equal(packFailure({ id: 'x', timeMs: 1, lines: [], data: { user: 'a\nb' } }), undefined)
})
