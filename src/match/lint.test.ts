import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compileFilter } from './filter.js'
import { lintFilter } from './lint.js'

function lint(failregex: string, more: { prefregex?: string; ignoreregex?: string } = {}): string[] {
  const origin = { file: 'x.conf', line: 3 }
  const compiled = compileFilter(
    {
      name: 'x',
      failregex: [{ value: failregex, origin }],
      ignoreregex: more.ignoreregex === undefined ? [] : [{ value: more.ignoreregex, origin }],
      datepattern: [],
      maxlines: 1,
      usedns: 'no',
      ...(more.prefregex !== undefined && { prefregex: { value: more.prefregex, origin } }),
    },
    { nowMs: Date.UTC(2026, 0, 1) },
  )
  if ('problems' in compiled) assert.fail(JSON.stringify(compiled.problems))
  return lintFilter(compiled.filter).map(({ message, severity, danger, origin: at }) => {
    assert.deepEqual([severity, at], ['warning', origin])
    assert.ok(message.startsWith(`${danger}: `), message)
    return (
      /exponential|anywhere|any text|text of an attacker's can follow|escape|cuts|no word/.exec(message)?.[0] ?? message
    )
  })
}

function messages(...failregex: string[]): string[] {
  const compiled = compileFilter(
    {
      name: 'x',
      failregex: failregex.map((value, i) => ({ value, origin: { file: 'x.conf', line: i + 1 } })),
      ignoreregex: [],
      datepattern: [],
      maxlines: 1,
      usedns: 'no',
    },
    { nowMs: Date.UTC(2026, 0, 1) },
  )
  if ('problems' in compiled) assert.fail(JSON.stringify(compiled.problems))
  return lintFilter(compiled.filter).map(({ message }) => message)
}

describe('lintFilter', () => {
  it('has nothing to say about a careful pattern', () => {
    for (const regex of [
      '^Failed password for \\S+ from <HOST> port \\d+$',
      '^login failed for .{0,100} from <HOST>$',
      '^login failed for "[^"]*" from <HOST>$',
      '^(?:denied|refused) <HOST>\\b',
      '^<HOST> - \\S+ \\[\\] "GET /admin',
      '^denied host=[^[]*\\[<HOST>\\]: ',
      // A name that cannot hold the colon that follows.
      '^user "<F-USER>[^:]*</F-USER>": wrong, client: <HOST>, ',
    ]) {
      assert.deepEqual(lint(regex), [], regex)
    }
  })

  it('warns of words that may stand anywhere', () => {
    assert.deepEqual(lint('Failed password from <HOST>'), ['anywhere'])
    assert.deepEqual(lint('(?:^a|b) denied <HOST>'), ['anywhere'])
    assert.deepEqual(lint('denied <HOST>', { prefregex: '^sshd: <F-CONTENT>.+</F-CONTENT>$' }), ['anywhere'])
  })

  it('warns of a catch-all that an address can be written into, and shows how', () => {
    assert.deepEqual(lint('^failed for .*? from <HOST>'), ['any text'])
    assert.deepEqual(lint('^failed for (?:\\S*|.*?) rhost=<HOST>(?: user=.*)?$'), ['any text'])
    // The address can be moved behind it, and the end that is asked for is none.
    assert.deepEqual(lint('^failed for .* from <HOST>.*$'), ['any text'])
    assert.match(
      messages('^denied .*? by <HOST>')[0] ?? '',
      /: "denied x by 198\.51\.100\.66 .*" of 192\.0\.2\.1 bans 198\.51\.100\.66$/,
    )
  })

  it('warns of a line without an end', () => {
    assert.deepEqual(lint('^failed for .* from <HOST>'), ["text of an attacker's can follow"])
    assert.deepEqual(lint('^failed for .* from <HOST>', { prefregex: '^(?:a|b)<F-CONTENT>.+</F-CONTENT>$' }), [
      "text of an attacker's can follow",
    ])
  })

  it('warns of quotes that somebody may close himself', () => {
    assert.deepEqual(lint('^failed for "[^"]*" from <HOST>'), ['escape'])
    assert.deepEqual(lint("^failed for '<F-USER>[^']*</F-USER>' from <HOST>\\b"), ['escape'])
    assert.deepEqual(lint('^failed for [^ ]+ from <HOST>'), [])
  })

  it('warns of a line that may be cut behind what an attacker wrote', () => {
    assert.deepEqual(lint('^login failed for .* from <HOST>$'), ['cuts'])
    assert.deepEqual(lint('^login failed for .{0,400} from <HOST>$'), ['cuts'])
    assert.deepEqual(lint('^login failed for .* from <HOST> (?:port \\d+ )?ssh2$'), ['cuts'])
  })

  it('says the same of several patterns once, the worst first', () => {
    const told = messages(
      '^failed .* from <HOST>$',
      'failing <HOST>',
      '^failure .* from <HOST>$',
      '^failing .* by <HOST>$',
    )
    assert.deepEqual(
      told.map((message) => message.replace(/:.* bans \S+/s, ':')),
      [told[0], 'cut: (and 2 more: lines 3, 4)'],
    )
    assert.match(told[0] ?? '', /^forgeable: failregex finds its words anywhere/)
  })

  it('warns of a prefix and of an ignoreregex that may begin anywhere', () => {
    assert.deepEqual(lint('^denied <HOST>$', { prefregex: 'door: <F-CONTENT>.+</F-CONTENT>$' }), ['anywhere'])
    assert.deepEqual(lint('^denied <HOST>$', { ignoreregex: 'from a friend' }), ['anywhere'])
    assert.deepEqual(lint('^denied <HOST>$', { ignoreregex: '^denied 192\\.0\\.2\\.' }), [])
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
