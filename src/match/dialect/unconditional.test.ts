import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isAscii, type Match, Pattern } from './pattern.js'
import { withoutConditions } from './unconditional.js'

// The last has the shape of the busiest pattern of the stock sshd filter.
const decidable = [
  '^(?P<a>x)?(?P<b>\\w+?)(?(a)1|2)(?P<c>z)?(?(c)!|;)$',
  '^(?:(?P<a>x)|y|(?P<d>z)x)(?P<b>\\w*)(?(a)1|(?(d)3|2))',
  '(?P<a>x)?y(?(a)1|2)',
  '^((?P<u>\\S+)|[^:]*?)(?: ;)?(?(u): |=)(?P<r>.*)$',
  '^(?P<a>x)??(?P<b>x*)(?(a)1|2)(?P<b2>.?)',
  '^F (?P<i>i )?(?P<u>(?P<c>\\S+)|(?(i)(?:(?! f ).)*?|[^:]+)) f (?P<n>\\d+)?(?P<h>\\w*)(?(c): |(?:(?:(?! f ).)*)$)',
]
const undecidable = [
  '^(?:(?P<a>x)|y){0,2}(?(a)1|2)',
  '(?P<a>x(?(a)1|2))y',
  '(?=(?P<a>x)?)(?(a)x|y)',
  '^(?P<a>x)?y(?P<b>z)$',
]

const shown = (pattern: Pattern, match: Match | null) =>
  match && [match.index, match[0], ...[...pattern.slots].map(([name, slot]) => `${name}=${match[slot]}`)]

describe('withoutConditions', () => {
  it('finds what our machine finds with the conditions, in texts made at random', () => {
    const piece = fc.constantFrom(
      ...['x', 'y', 'z', '1', '2', '3', ' ', 'F ', 'i ', ' f ', ': ', ';', '=', '!', 'F i ', 'é'],
    )
    const texts = fc.array(piece, { maxLength: 9 }).map((pieces) => `${pieces.join('')}\n`)
    const patterns = decidable.map((source) => new Pattern(source))
    fc.assert(
      fc.property(fc.constantFrom(...patterns), texts, (pattern, text) => {
        const expected = shown(pattern, pattern.execSlow(text))
        for (const ascii of isAscii(text) ? [true, false] : [false])
          assert.deepEqual(shown(pattern, pattern.exec(text, ascii)), expected, JSON.stringify([pattern.source, text]))
      }),
      { numRuns: 3000 },
    )
  })

  it('leaves alone what it cannot decide, or what asks nothing', () => {
    const writes = (source: string) => {
      const { syntax } = new Pattern(source)
      return withoutConditions(syntax.root, syntax.groups) !== undefined
    }
    assert.deepEqual(
      decidable.map(writes),
      decidable.map(() => true),
    )
    assert.deepEqual(
      undecidable.map(writes),
      undecidable.map(() => false),
    )
  })

  it('does not grow without end', () => {
    const { syntax } = new Pattern(
      `${'(a)?'.repeat(12)}${Array.from({ length: 12 }, (_, i) => `(?(${i + 1})b|c)`).join('')}`,
    )
    assert.equal(withoutConditions(syntax.root, syntax.groups), undefined)
  })
})
