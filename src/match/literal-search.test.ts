import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LiteralSearch } from './literal-search.js'

const literalOf = (text: string) => [...text].map((char) => [char.charCodeAt(0)])

describe('LiteralSearch', () => {
  it('stops inside the first literal that stands at or behind the place', () => {
    const search = new LiteralSearch(
      [literalOf('needle'), literalOf('pin'), [[0x49, 0x69], [0x6e]]],
      'a sample without much in it',
    )
    const text = 'hay needle hay pin In'
    const places: number[] = []
    for (let at = search.next(text, 0); at >= 0; at = search.next(text, at + 1)) places.push(at)
    const words = places.map((at) => text.split(' ')[text.slice(0, at).split(' ').length - 1])
    assert.deepEqual(new Set(words), new Set(['needle', 'pin', 'In']))
  })

  it('finds what looking for each literal finds, in texts made at random', () => {
    let state = 5
    const pick = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return Math.floor((state / 2 ** 32) * below)
    }
    const word = (length: number) => Array.from({ length }, () => 'abcé\n'[pick(4)]).join('')
    for (let round = 0; round < 2000; round++) {
      const words = Array.from({ length: 1 + pick(5) }, () => word(2 + pick(5)))
      const text = word(pick(40))
      const search = new LiteralSearch(words.map(literalOf), word(pick(100)))
      const found = search.next(text, 0)
      const isThere = words.some((each) => text.includes(each))
      assert.equal(found >= 0, isThere, JSON.stringify([words, text]))
      const holds = words.some((each) =>
        text.slice(Math.max(0, found - each.length + 1), found + each.length).includes(each),
      )
      assert.ok(found < 0 || holds, JSON.stringify([words, text, found]))
    }
  })
})
