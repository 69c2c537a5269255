import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isAscii, Pattern } from './dialect/pattern.js'
import { PrefixMemory } from './prefix-memory.js'

const syslog =
  '^(?P<mlfid>\\s*(?:<[^.]+>\\s+)?(?:\\S+\\s+)?(?:[(\\[]?demod?(?:\\(\\S+\\))?[\\])]?(?:\\[\\d+\\])?:?\\s+)?)(?:error: (?:deep: )?)?(?P<content>.+)$'
const patterns = [
  syslog,
  '^(?i:host \\w+\\b)(?P<content>.+)$',
  '^(?P<fid>[^ ]*?)(?= \\d)(?!.*stop).(?P<content>.*)$',
  '^(?P<mlfid>(?:a|ab)(?:c|bcd)?)(?P<content>.+)$',
]

/** What the memory says must be what the pattern says; how many texts it knew. */
function compare(source: string, texts: readonly string[]): number {
  const pattern = new Pattern(source)
  const memory = PrefixMemory.of(pattern)
  assert.ok(memory !== undefined, source)
  let known = 0
  for (const text of texts) {
    const line = `${text}\n`
    const shape = memory.find(line, `before ${line}`, 7)
    if (shape === undefined) continue
    known++
    const match = pattern.exec(line, isAscii(line))
    assert.equal(shape.contentStart >= 0, match !== null, JSON.stringify(line))
    if (match === null) continue
    for (const [name, group] of pattern.syntax.names) {
      const [begin = -1, end = -1] = shape.marks.slice(2 * group, 2 * group + 2)
      const recalled: string | undefined =
        name === 'content' ? line.slice(shape.contentStart, -1) : end < 0 ? undefined : line.slice(begin, end)
      assert.equal(recalled, match[pattern.slots.get(name) ?? 0], `${name} of ${JSON.stringify(line)}`)
    }
  }
  return known
}

describe('PrefixMemory', () => {
  it('recalls what the pattern would find, whatever the texts', () => {
    const piece = fc.constantFrom(
      ...['demo', 'demod', 'host', 'HoSt', ' ', '  ', '[12]', '[7]', '(x)', ':', ': ', 'error: ', 'deep: ', '<a', '> '],
      ...['a', 'ab', 'abc', 'abcd', '1', '22', '.', 'stop', 'é', '\t', '\r', '_', '-', 'Failed x', '\u{1f514}'],
    )
    const texts = fc.array(
      fc.array(piece, { maxLength: 7 }).map((pieces) => pieces.join('')),
      { maxLength: 60 },
    )
    const property = fc.property(fc.constantFrom(...patterns), texts, (source, lines) => void compare(source, lines))
    fc.assert(property, { numRuns: 400 })
  })

  it('knows other numbers in the same places after the first', () => {
    const texts = Array.from({ length: 50 }, (_, i) => ` host${i % 10} demo[${1000 + i}]: Failed ${i}`)
    assert.equal(compare(syslog, texts), texts.length)
  })

  it('does not answer where the rest of the pattern would send the search back', () => {
    // `abcd` alone: the head must give `bcd` back, so that something is left for the content.
    const memory = PrefixMemory.of(new Pattern('^(?:a|ab)(?:c|bcd)?(?P<content>.+)$'))
    assert.equal(memory?.find('abcd\n', 'abcd\n', 0), undefined)
    assert.equal(memory?.find('abcde\n', 'abcde\n', 0)?.contentStart, 4)
    assert.equal(memory?.find('abcd\n', 'abcd\n', 0), undefined)
  })

  it('is not for patterns that compare texts, or go on behind the content', () => {
    for (const source of [
      '^(?P<a>.)(?P=a)(?P<content>.+)$',
      '^(a)?(?(1)b|c)(?P<content>.+)$',
      '^a(?P<content>.+)b$',
      'a(?P<content>.+)$',
      '^a(?P<content>.+?)$',
    ])
      assert.equal(PrefixMemory.of(new Pattern(source)), undefined, source)
  })

  it('stops learning when every line has a new shape, and begins again when they repeat', () => {
    const memory = PrefixMemory.of(new Pattern('^(?P<mlfid>(?:a|b|c|d)*)(?P<content>.+)$'))
    const find = (text: string) => memory?.find(`${text}\n`, `${text}\n`, 0)
    const shapeOf = (i: number) =>
      i
        .toString(4)
        .padStart(6, '0')
        .replace(/./g, (digit) => 'abcd'.charAt(Number(digit)))
    const learnt = Array.from({ length: 2000 }, (_, i) => find(`${shapeOf(i)}-`)).filter((shape) => shape !== undefined)
    assert.ok(learnt.length < 250, String(learnt.length))
    assert.equal(find(`${shapeOf(4000)}-`), undefined)
    for (let i = 0; i < 100; i++) assert.equal(find(`${shapeOf(0)}-${i}`)?.contentStart, 6)
    assert.equal(find(`${shapeOf(4000)}-`)?.contentStart, 6)
  })

  it('forgets everything rather than grow without end, and is right before and after', () => {
    const numbers = Array.from({ length: 400 }, (_, i) => (i * 37).toString(2).padStart(60, '0'))
    const texts = numbers.flatMap((bits) => Array.from({ length: 25 }, () => `${bits} x`))
    assert.ok(compare('^(?P<mlfid>(?:0|1)*) (?P<content>.+)$', texts) > 9000)
  })
})
