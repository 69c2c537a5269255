import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLog } from '../lib/log.js'
import type { CurrentLine } from './current-line.js'
import { FailureFinder } from './failure-finder.js'
import { compileFilter } from './filter.js'
import { LineMatcher } from './line-matcher.js'
import { lintFilter } from './lint.js'
import { requiredLiterals } from './prefilter.js'

const origin = { file: 'x.conf', line: 1 }
const sourced = (...values: string[]) => values.map((value) => ({ value, origin }))

function compiled(change: {
  successregex: string[]
  prefregex?: string
  failregex?: string[]
  ignoreregex?: string[]
  maxlines?: number
}) {
  const { prefregex } = change
  const result = compileFilter(
    {
      name: 'x',
      failregex: sourced(...(change.failregex ?? ['^bad <F-USER>\\S+</F-USER> from <HOST>$'])),
      ignoreregex: sourced(...(change.ignoreregex ?? [])),
      successregex: sourced(...change.successregex),
      ...(prefregex !== undefined && { prefregex: { value: prefregex, origin } }),
      datepattern: [],
      maxlines: change.maxlines ?? 1,
      usedns: 'no',
    },
    { nowMs: Date.UTC(2026, 0, 1) },
  )
  return 'filter' in result ? result.filter : assert.fail(JSON.stringify(result.problems))
}

/** What is found in lines whose dates are cut out already: `- address user` for a failure, `+ address user` for a success. */
function found(change: Parameters<typeof compiled>[0], ...lines: string[]): string[] {
  const told: string[] = []
  const finder = new FailureFinder(compiled(change), { onSuccess: ({ id, user }) => told.push(`+ ${id} ${user}`) })
  for (const text of lines) {
    const line = {
      text: `${text}\n`,
      chunk: text,
      start: 0,
      end: text.length,
      textStart: -1,
      isAscii: true,
      isOneLine: true,
      isDated: true,
      timeMs: 1000,
      full: () => text,
    } as unknown as CurrentLine
    finder.find(line, 1000, ({ id, fields }) => told.push(`- ${id} ${fields.user}`))
  }
  return told
}

describe('successregex', () => {
  const good = { successregex: ['^good <F-USER>\\S+</F-USER> from <HOST>$'] }

  it('tells who got in, in the order of the lines', () => {
    assert.deepEqual(
      found(good, 'bad bob from 192.0.2.1', 'good eve from 2001:DB8::1', 'bad bob from 192.0.2.1', 'other'),
      ['- 192.0.2.1 bob', '+ 2001:db8::1 eve', '- 192.0.2.1 bob'],
    )
  })

  it('makes a line that is a failure too none', () => {
    const both = { successregex: ['^bad ok from <HOST>$'] }
    assert.deepEqual(found(both, 'bad ok from 192.0.2.1', 'bad bob from 192.0.2.1'), [
      '+ 192.0.2.1 undefined',
      '- 192.0.2.1 bob',
    ])
  })

  it('sees what the prefix leaves of a line, and has its fields', () => {
    const prefixed = { ...good, prefregex: '^gate <F-CONTENT>.+</F-CONTENT>$' }
    assert.deepEqual(
      found(prefixed, 'gate good eve from 192.0.2.1', 'good eve from 192.0.2.2', 'gate bad x from 192.0.2.3'),
      ['+ 192.0.2.1 eve', '- 192.0.2.3 x'],
    )
  })

  it('forgives nobody for a line that is ignored', () => {
    assert.deepEqual(found({ ...good, ignoreregex: ['eve'] }, 'good eve from 192.0.2.1', 'good bob from 192.0.2.1'), [
      '+ 192.0.2.1 bob',
    ])
  })

  it('forgives once in a window of several lines', () => {
    const windowed = { ...good, maxlines: 3, failregex: ['^bad <F-USER>\\S+</F-USER><SKIPLINES>^from <HOST>$'] }
    assert.deepEqual(found(windowed, 'good eve from 192.0.2.1', 'x', 'bad bob', 'y', 'from 192.0.2.1'), [
      '+ 192.0.2.1 eve',
      '- 192.0.2.1 bob',
    ])
  })

  it('still ends a session of failures by the pattern that says so', () => {
    const sessions = {
      failregex: [
        '^\\[<F-MLFID>\\d+</F-MLFID>\\] bad <F-USER>\\S+</F-USER> from <HOST>$',
        '^\\[<F-MLFID>\\d+</F-MLFID>\\] <F-MLFGAINED>good</F-MLFGAINED> <F-USER>\\S+</F-USER> from <HOST>$',
      ],
      successregex: ['^\\[\\d+\\] good <F-USER>\\S+</F-USER> from <HOST>$'],
    }
    assert.deepEqual(found(sessions, '[1] bad bob from 192.0.2.1', '[1] good bob from 192.0.2.1'), [
      '- 192.0.2.1 bob',
      '+ 192.0.2.1 bob',
    ])
  })

  it('is told in its turn among the failures of a chunk', () => {
    const dated = { failregex: ['^ bad \\S+ from <HOST>$'], successregex: ['^ good \\S+ from <HOST>$'] }
    const told: string[] = []
    const onSuccess = ({ id }: { id: string }) => told.push(`+ ${id}`)
    const matcher = new LineMatcher(compiled(dated), { jail: 'x', findTimeMs: 600_000, log: silentLog, onSuccess })
    const at = (second: number, text: string) => `2026-01-01 00:00:0${second} ${text}\n`
    const text = [at(1, 'bad b from 192.0.2.1'), at(2, 'good b from 192.0.2.1'), at(3, 'bad b from 192.0.2.2')].join('')
    const nowMs = new Date(2026, 0, 1, 0, 0, 9).getTime()
    matcher.scan(text, { nowMs, live: true }, ({ id }) => told.push(`- ${id}`))
    assert.deepEqual(told, ['- 192.0.2.1', '+ 192.0.2.1', '- 192.0.2.2'])
  })

  it('gives the words that its lines are looked for by, or they would never be read', () => {
    const words = requiredLiterals(compiled({ ...good, failregex: ['^unlikely failure from <HOST>$'] }))
    assert.equal(words?.length, 2)
  })

  it('is looked at for what an attacker could make of it, as failregex is', () => {
    const remarks = (successregex: string) =>
      lintFilter(compiled({ successregex: [successregex] })).map(({ message }) => message)
    assert.deepEqual(remarks('^Accepted \\S+ for \\S+ from <HOST> port \\d+$'), [])
    assert.match(
      remarks('Accepted for \\S+ from <HOST>$')[0] ?? '',
      /^forgeable: successregex finds its words anywhere/,
    )
    assert.match(remarks('^Accepted for .* from <HOST>')[0] ?? '', /successregex has a catch-all .* forgives /)
  })

  it('must name an address', () => {
    const result = compileFilter(
      {
        name: 'x',
        failregex: [],
        ignoreregex: [],
        successregex: sourced('^hello <F-MLFID>x</F-MLFID>$'),
        datepattern: [],
        maxlines: 1,
        usedns: 'no',
      },
      { nowMs: 0 },
    )
    assert.ok('problems' in result)
    assert.match(result.problems[0]?.message ?? '', /^successregex: No failure-id group/)
  })
})
