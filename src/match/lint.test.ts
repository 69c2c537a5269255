import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compileFilter } from './filter.js'
import { lintFilter } from './lint.js'

function lint(failregex: string, more: { prefregex?: string } = {}): string[] {
  const origin = { file: 'x.conf', line: 3 }
  const compiled = compileFilter(
    {
      name: 'x',
      failregex: [{ value: failregex, origin }],
      ignoreregex: [],
      datepattern: [],
      maxlines: 1,
      usedns: 'no',
      ...(more.prefregex !== undefined && { prefregex: { value: more.prefregex, origin } }),
    },
    { nowMs: Date.UTC(2026, 0, 1) },
  )
  if ('problems' in compiled) assert.fail(JSON.stringify(compiled.problems))
  return lintFilter(compiled.filter).map(({ message, severity, origin: at }) => {
    assert.deepEqual([severity, at], ['warning', origin])
    return /anywhere|catch-all|exponential|no word/.exec(message)?.[0] ?? message
  })
}

describe('lintFilter', () => {
  it('has nothing to say about a careful pattern', () => {
    for (const regex of [
      '^Failed password for \\S+ from <HOST> port \\d+$',
      '^login failed for .* from <HOST>$',
      '^(?:denied|refused) <HOST>\\b',
      '^<HOST> - \\S+ \\[\\] "GET /admin',
    ]) {
      assert.deepEqual(lint(regex), [], regex)
    }
  })

  it('warns of words that may stand anywhere', () => {
    assert.deepEqual(lint('Failed password from <HOST>'), ['anywhere'])
    assert.deepEqual(lint('(?:^a|b) denied <HOST>'), ['anywhere'])
    assert.deepEqual(lint('denied <HOST>', { prefregex: '^sshd: <F-CONTENT>.+</F-CONTENT>$' }), ['anywhere'])
  })

  it('warns of a catch-all before the address without an end', () => {
    assert.deepEqual(lint('^failed for .* from <HOST>'), ['catch-all'])
    assert.deepEqual(lint('^failed for "[^"]*" from <HOST>'), ['catch-all'])
    assert.deepEqual(lint('^failed for [^ ]+ from <HOST>'), [])
  })

  it('warns of exponential shapes', () => {
    assert.deepEqual(lint('^denied (a+)+ <HOST>'), ['exponential'])
    assert.deepEqual(lint('^denied (?:[^\\]"]*|"[^"]*")* <HOST>$'), ['exponential'])
    assert.deepEqual(lint('^denied (?: \\w+)* <HOST>'), [])
    assert.deepEqual(lint('^denied (?:a+)?b <HOST>'), [])
  })

  it('warns of a pattern without a word to look for', () => {
    assert.deepEqual(lint('^<HOST> \\d+ \\S+$'), ['no word'])
  })
})
