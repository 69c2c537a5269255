import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Failure } from '../domain/failure.js'
import { silentLog } from '../lib/log.js'
import { compileFilter } from './filter.js'
import type { FilterSpec } from './filter-spec.js'
import { LineMatcher } from './line-matcher.js'

const nowMs = new Date(2024, 5, 15, 12, 0, 30).getTime()
const origin = { file: 'test.conf', line: 1 }
const sourced = (values: readonly string[]) => values.map((value) => ({ value, origin }))

interface Given {
  failregex: readonly string[]
  ignoreregex?: readonly string[]
  prefregex?: string
  datepattern?: readonly string[]
  maxlines?: number
  usedns?: FilterSpec['usedns']
  live?: boolean
  resolve?: (name: string) => readonly string[] | undefined
}

function failuresIn(given: Given, ...lines: string[]): Failure[] {
  const compiled = compileFilter(
    {
      name: 'test',
      failregex: sourced(given.failregex),
      ignoreregex: sourced(given.ignoreregex ?? []),
      ...(given.prefregex === undefined ? {} : { prefregex: { value: given.prefregex, origin } }),
      datepattern: sourced(given.datepattern ?? []),
      maxlines: given.maxlines ?? 1,
      usedns: given.usedns ?? 'warn',
    },
    { nowMs },
  )
  assert.ok('filter' in compiled, JSON.stringify(compiled))
  const options = { jail: 'test', findTimeMs: 600_000, log: silentLog }
  const matcher = new LineMatcher(compiled.filter, given.resolve ? { ...options, resolve: given.resolve } : options)
  const failures: Failure[] = []
  matcher.scan(lines.map((line) => `${line}\n`).join(''), { nowMs, live: given.live ?? false }, (failure) =>
    failures.push(failure),
  )
  return failures
}

const login = { failregex: ['^ \\S+ demo\\[\\d+\\]: bad login of <F-USER>\\S+</F-USER> from <HOST>$'] }

describe('LineMatcher', () => {
  it('finds who, when and what in a syslog line', () => {
    const line = 'Jun 15 12:00:00 host demo[17]: bad login of müller from 192.0.2.7'
    assert.deepEqual(failuresIn(login, line), [
      { id: '192.0.2.7', timeMs: nowMs - 30_000, lines: [line], data: { user: 'müller', ip4: '192.0.2.7' } },
    ])
  })

  it('writes a tuple as Python does, what no terminal should get too', () => {
    const failregex = ['^ demo <F-TUPLE_X>\\w</F-TUPLE_X><F-TUPLE_X_1>\\S+</F-TUPLE_X_1> <HOST>$']
    const [failure] = failuresIn({ failregex }, 'Jun 15 12:00:00 demo a\u0007\u202e 192.0.2.7')
    assert.equal(failure?.data.x, String.raw`(None, 'a', '\x07\u202e')`)
  })

  it('takes the end of the line for the end of the text, also before CRLF', () => {
    const [failure] = failuresIn(login, 'Jun 15 12:00:00 host demo[17]: bad login of a from 192.0.2.7\r')
    assert.equal(failure?.id, '192.0.2.7')
  })

  it('ignores lines older than the find time when it reads again what was written before', () => {
    assert.equal(failuresIn(login, 'Jun 15 11:50:29 host demo[17]: bad login of a from 192.0.2.7').length, 0)
    assert.equal(failuresIn(login, 'Jun 15 11:50:30 host demo[17]: bad login of a from 192.0.2.7').length, 1)
  })

  it('takes a line that is written now for one of now when its date is off', () => {
    const [failure] = failuresIn(
      { ...login, live: true },
      'Jun 15 10:00:30 host demo[17]: bad login of a from 192.0.2.7',
    )
    assert.equal(failure?.timeMs, nowMs)
  })

  it('gives a line without a date the last date', () => {
    const found = failuresIn({ failregex: ['bad <HOST>$'] }, '2024-06-15 12:00:10 x', 'bad 192.0.2.9')
    assert.deepEqual(
      found.map(({ timeMs }) => timeMs),
      [nowMs - 20_000],
    )
  })

  it('searches what surrounds the date without it', () => {
    const given = { failregex: ['^<HOST> - - \\[\\] "GET /evil'], datepattern: ['^[^\\[]*\\[({DATE})'] }
    const [failure] = failuresIn(given, '192.0.2.1 - - [15/Jun/2024:12:00:20 +0000] "GET /evil HTTP/1.1" 404 5')
    assert.equal(failure?.id, '192.0.2.1')
    assert.equal(failure?.timeMs, Math.min(nowMs, Date.UTC(2024, 5, 15, 12, 0, 20)))
  })

  it('narrows the text to the content of the prefix and keeps the groups of both', () => {
    const given = {
      prefregex: '^ (?P<host>\\S+) d: <F-CONTENT>.+</F-CONTENT>$',
      failregex: ['^no <F-USER>\\w+</F-USER> from <HOST>$', '^never <HOST>'],
    }
    const [failure] = failuresIn(given, 'Jun 15 12:00:00 box d: no root from 2001:DB8::1')
    assert.deepEqual(failure?.data, { host: 'box', user: 'root', ip6: '2001:DB8::1' })
    assert.equal(failure?.id, '2001:db8::1')
  })

  it('drops what an ignoreregex matches', () => {
    const given = { failregex: ['bad <HOST>'], ignoreregex: ['friend'] }
    assert.deepEqual(
      failuresIn(given, 'Jun 15 12:00:00 bad 192.0.2.1', 'Jun 15 12:00:00 bad 192.0.2.2 friend').map(({ id }) => id),
      ['192.0.2.1'],
    )
  })

  it('bans networks, text that is no address, and the addresses of names', () => {
    const id = (regex: string, text: string, more: Partial<Given> = {}) =>
      failuresIn({ failregex: [regex], ...more }, `Jun 15 12:00:00 ${text}`).map((failure) => failure.id)
    assert.deepEqual(id('^ from <SUBNET>$', 'from 192.0.2.5/24'), ['192.0.2.0/24'])
    assert.deepEqual(id('^ from <HOST>$', 'from 999.9.9.9'), ['999.9.9.9'])
    assert.deepEqual(id('^ from <HOST>$', 'from ::ffff:192.0.2.5'), ['192.0.2.5'])
    assert.deepEqual(id('^ from <F-ID>\\S+</F-ID>$', 'from bob'), ['bob'])
    assert.deepEqual(id('^ from <HOST>$', 'from a.example'), [])
    assert.deepEqual(id('^ from <HOST>$', 'from a.example', { resolve: () => ['192.0.2.1', '2001:db8::1'] }), [
      '192.0.2.1',
      '2001:db8::1',
    ])
    assert.deepEqual(id('^ from <HOST>$', 'from a.example', { usedns: 'raw' }), ['a.example'])
    assert.deepEqual(id('^ from <HOST>$', 'from a.example', { usedns: 'no', resolve: () => ['192.0.2.1'] }), [])
  })

  it('attaches the lines of a session to its next failure', () => {
    const given = {
      prefregex: '^ d\\[<F-MLFID>\\d+</F-MLFID>\\]: <F-CONTENT>.+</F-CONTENT>$',
      failregex: ['^<F-NOFAIL>hello</F-NOFAIL> <HOST>$', '^locked$', '^bye <HOST>$'],
    }
    const at = 'Jun 15 12:00:00'
    const found = failuresIn(
      given,
      `${at} d[1]: hello 192.0.2.1`,
      `${at} d[2]: locked`,
      `${at} d[1]: locked`,
      `${at} d[2]: bye 192.0.2.2`,
    )
    assert.deepEqual(
      found.map(({ id, lines }) => [id, lines.map((line) => line.slice(16))]),
      [
        ['192.0.2.1', ['d[1]: hello 192.0.2.1', 'd[1]: locked']],
        ['192.0.2.2', ['d[2]: locked', 'd[2]: bye 192.0.2.2']],
      ],
    )
  })
})

describe('compileFilter', () => {
  it('says everything that is wrong, with place and position', () => {
    const compiled = compileFilter(
      {
        name: 'broken',
        failregex: sourced(['a(b', '^no one$', '']),
        ignoreregex: sourced(['[z-a]']),
        datepattern: sourced(['%Q']),
        maxlines: 1,
        usedns: 'warn',
      },
      { nowMs },
    )
    assert.ok('problems' in compiled)
    assert.deepEqual(
      compiled.problems.map(({ message }) => message.replace('\n', ' ')),
      [
        "failregex: Unable to compile regular expression 'a(b': missing ), unterminated subpattern at position 1",
        'failregex: Cannot add empty regex',
        "ignoreregex: Unable to compile regular expression '[z-a]': bad character range z-a at position 1",
        "failregex: No failure-id group in '^no one$'",
        "datepattern: '%Q': Failed to set datepattern '%Q' (may be an invalid format or unescaped percent char)",
      ],
    )
  })
})
