import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ByteSearch } from './byte-search.js'
import type { Literal } from './literals.js'

const literalOf = (text: string): Literal => [...text].map((char) => [char.charCodeAt(0)])
const anyCase = (text: string): Literal =>
  [...text].map((char) => [...new Set([char.toLowerCase().charCodeAt(0), char.toUpperCase().charCodeAt(0)])])

/** How often each literal stands in the text, by the search and by looking everywhere. */
function compare(literals: readonly Literal[], text: string, sample = ''): void {
  const search = ByteSearch.of(literals, Buffer.from(sample, 'latin1'))
  if (search === undefined) return
  const found = literals.map(() => 0)
  let last = 0
  search.find(Buffer.from(text, 'latin1'), (literal, at) => {
    found[literal] = (found[literal] ?? 0) + 1
    assert.ok(at >= last, 'places are in order')
    last = at
  })
  const expected = literals.map((literal) => {
    let count = 0
    for (let begin = 0; begin + literal.length <= text.length; begin++)
      if (literal.every((codes, i) => codes.includes(text.charCodeAt(begin + i)))) count++
    return count
  })
  assert.deepEqual(found, expected, JSON.stringify([literals, text]))
}

describe('ByteSearch', () => {
  it('finds every place of every literal, in texts made at random', () => {
    const word = fc
      .array(fc.constantFrom('a', 'b', 'c', 'Q', ' '), { minLength: 2, maxLength: 7 })
      .map((all) => all.join(''))
    const literal = fc.oneof(word.map(literalOf), word.map(anyCase))
    const literals = fc.array(literal, { minLength: 1, maxLength: 30 })
    const text = fc
      .array(fc.constantFrom('a', 'b', 'c', 'q', 'Q', ' ', '\n', '\0'), { maxLength: 90 })
      .map((all) => all.join(''))
    fc.assert(
      fc.property(literals, text, text, (all, where, sample) => compare(all, where, sample)),
      { numRuns: 500 },
    )
  })

  it('finds literals at the very begin and end, and where the text is divided', () => {
    const far = 1 << 20
    for (const at of [0, 1, 15, 16, far - 5, far - 3, far - 1, far, far + 1, far + 100]) {
      const text = `${'.'.repeat(at)}needle${'.'.repeat(7)}needle`
      const found: number[] = []
      ByteSearch.of([literalOf('needle')], Buffer.alloc(0))?.find(Buffer.from(text), (_, place) => found.push(place))
      assert.equal(found.length, 2, String(at))
      assert.ok(found[0] !== undefined && found[0] >= at && found[0] < at + 6, `${found[0]} for ${at}`)
    }
  })

  it('goes on when there are more places than its list takes', () => {
    let count = 0
    const search = ByteSearch.of([literalOf('aaaa')], Buffer.alloc(0))
    search?.find(Buffer.alloc(50_000, 'a'), () => count++)
    assert.equal(count, search === undefined ? 0 : 49_997)
  })

  it('forgets what another text left behind', () => {
    const search = ByteSearch.of([literalOf('abcd')], Buffer.alloc(0))
    const places: number[] = []
    search?.find(Buffer.from('xxxxxxabcd'), () => places.push(1))
    search?.find(Buffer.from('xxxxxxa'), () => places.push(2))
    assert.deepEqual(places, search === undefined ? [] : [1])
  })
})
