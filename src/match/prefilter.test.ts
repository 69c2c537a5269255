import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLog } from '../lib/log.js'
import { compileFilter } from './filter.js'
import type { FilterSpec } from './filter-spec.js'
import { LineMatcher } from './line-matcher.js'
import type { Literal } from './literals.js'
import { requiredLiterals } from './prefilter.js'
import { Survey } from './survey.js'

const nowMs = new Date(2024, 5, 15, 12, 0, 30).getTime()
const origin = { file: 'test.conf', line: 1 }
const sourced = (values: readonly string[]) => values.map((value) => ({ value, origin }))

function compile(failregex: readonly string[], more: { datepattern?: readonly string[]; prefregex?: string } = {}) {
  const spec: FilterSpec = {
    name: 'test',
    failregex: sourced(failregex),
    ignoreregex: [],
    datepattern: sourced(more.datepattern ?? ['{^LN-BEG}']),
    ...(more.prefregex === undefined ? {} : { prefregex: { value: more.prefregex, origin } }),
    maxlines: 1,
    usedns: 'no',
  }
  const compiled = compileFilter(spec, { nowMs })
  assert.ok('filter' in compiled, JSON.stringify(compiled))
  return compiled.filter
}

const textOf = (literal: Literal): string =>
  literal
    .map((codes) => (codes.length === 1 ? '' : '[') + String.fromCharCode(...codes) + (codes.length === 1 ? '' : ']'))
    .join('')

const literalsOf = (...given: Parameters<typeof compile>) => requiredLiterals(compile(...given))?.map(textOf)

describe('requiredLiterals', () => {
  it('names what every match holds', () => {
    assert.deepEqual(literalsOf(['^ bad login from <HOST>$']), [' bad login from '])
    assert.deepEqual(literalsOf(['^ (?:first|second one) .* <HOST>', '^ [Tt]hird <HOST>']), [
      'first',
      'second one',
      ' [Tt]hird ',
    ])
    assert.deepEqual(literalsOf(['^ a(?:maybe)?b+ccc <HOST>']), ['ccc '])
    assert.deepEqual(literalsOf(['(?i)^ bad <HOST>']), [' [Bb][Aa][Dd] '])
  })

  it('names nothing where a pattern needs nothing', () => {
    assert.equal(literalsOf(['^ bad login from <HOST>$', '^ \\d+ <HOST>']), undefined)
    assert.equal(literalsOf(['^ (?:bad login|\\d+) <HOST>']), undefined)
  })

  it('takes those of the prefix where they tell more', () => {
    assert.deepEqual(literalsOf(['^ab <HOST>'], { prefregex: '^ daemon: <F-CONTENT>.+</F-CONTENT>$' }), [' daemon: '])
  })

  it('leaves out what a date may have been cut out of', () => {
    const datepattern = ['^[^\\[]*\\[({DATE})']
    assert.deepEqual(literalsOf(['^\\[\\]LOGIN FAILED <HOST>'], { datepattern }), [']LOGIN FAILED '])
    // A date that is a word of its own has no letters beside it, but may have stood between two blanks.
    const words = { datepattern: ['%Y-%m-%d %H:%M:%S'] }
    assert.deepEqual(literalsOf(['LOGIN FAILED: 1 <HOST>'], words), ['LOGIN FAILED:'])
    assert.deepEqual(literalsOf(['LOGINFAILED <HOST>'], { datepattern: ['{UNB}%Y-%m-%d'] }), ['LOGINF', 'AILED '])
  })
})

describe('a prefilter', () => {
  const asText = (text: string) => ({ text, bytes: Buffer.from(text, 'latin1') })
  const failuresIn = (
    filter: ReturnType<typeof compile>,
    chunks: readonly string[],
    isSlow: boolean,
    survey?: Survey,
  ) => {
    const matcher = new LineMatcher(filter, { jail: 'test', findTimeMs: 600_000, log: silentLog, isSlow })
    const found: unknown[] = []
    for (const chunk of chunks) {
      matcher.scan(chunk, { nowMs, live: false, candidates: survey?.look(asText(chunk)).candidates[0] }, (failure) =>
        found.push(failure),
      )
    }
    return found
  }

  it('does not keep a line without a date from the date of a line that was passed over', () => {
    const filter = compile(['bad from <HOST>'])
    const chunks = [
      '2024-06-15 12:00:10 x\nno date\nbad from 192.0.2.1\n',
      '2024-06-15 12:00:20 x\n',
      '2024-06-15 12:00:25 x\n',
      'bad from 192.0.2.2\n',
    ]
    const slow = failuresIn(filter, chunks, true)
    assert.equal(slow.length, 2)
    assert.deepEqual(failuresIn(filter, chunks, false), slow)
    assert.deepEqual(failuresIn(filter, chunks, false, new Survey([filter])), slow)
  })

  it('lets each filter of a source have its lines', () => {
    const filters = [compile(['one <HOST>']), compile(['two <HOST>']), compile(['\\d <HOST>'])]
    const survey = new Survey(filters)
    const chunk = ['one 192.0.2.1', 'two 192.0.2.2', '3 192.0.2.3', ...new Array<string>(20).fill('x')]
      .map((text) => `2024-06-15 12:00:10 ${text}\n`)
      .join('')
    const lineAt = chunk.indexOf('\n') + 1
    assert.deepEqual(survey.look(asText(chunk)).candidates, [[0], [lineAt], 'all'])
    assert.deepEqual(
      filters.map((filter) => failuresIn(filter, [chunk], false, new Survey([filter])).length),
      [1, 1, 1],
    )
  })
})
