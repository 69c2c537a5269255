import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLog } from '../lib/log.js'
import { compileFilter } from './filter.js'
import { Fuse } from './fuse.js'
import { LineMatcher } from './line-matcher.js'
import { Quarantine } from './quarantine.js'
import { Survey } from './survey.js'
import { readEntriesTogether, readTogether } from './together.js'

const nowMs = new Date(2024, 5, 15, 12, 0, 30).getTime()

function jail(name: string, failregex: readonly string[], told: string[]) {
  const compiled = compileFilter(
    {
      name,
      failregex: failregex.map((value) => ({ value, origin: { file: 'test.conf', line: 1 } })),
      ignoreregex: [],
      datepattern: [],
      maxlines: 1,
      usedns: 'no',
    },
    { nowMs },
  )
  assert.ok('filter' in compiled, JSON.stringify(compiled))
  const quarantine = new Quarantine()
  const options = { jail: name, findTimeMs: 600_000, log: silentLog, fuse: new Fuse(), quarantine }
  const matcher = new LineMatcher(compiled.filter, options)
  return {
    filter: compiled.filter,
    matcher,
    quarantine,
    onFailure: ({ id }: { id: string }) => told.push(`${name} ${id}`),
  }
}

const bad = 'a'.repeat(40)
const endless = ['^ (a+)+$<HOST>', '^ \\w+ from <HOST>']
const plain = ['^ \\w+ from <HOST>']

describe('filters that read together', () => {
  it('go on when a pattern of one of them never ends, and find what they find alone', () => {
    const told: string[] = []
    const jails = [jail('one', plain, told), jail('two', endless, told), jail('three', plain, told)]
    const texts = ['x from 192.0.2.1', `${bad} from 192.0.2.2`, 'y from 192.0.2.3']
    const text = texts.map((line) => `Jun 15 12:00:00 ${line}\n`).join('')
    const log = { text, bytes: Buffer.from(text) }
    const { candidates } = new Survey(jails.map(({ filter }) => filter)).look(log)
    readTogether(jails, log, candidates, { nowMs, live: true, fuse: new Fuse() })
    const all = ['192.0.2.1', '192.0.2.2', '192.0.2.3']
    assert.deepEqual(
      told,
      ['one', 'two', 'three'].flatMap((name) => all.map((id) => `${name} ${id}`)),
    )
    assert.deepEqual(
      jails.map(({ quarantine }) => quarantine.entries.length),
      [0, 1, 0],
    )
  })

  it('do so with entries of the journal', () => {
    const told: string[] = []
    const jails = [jail('one', plain, told), jail('two', endless, told)]
    const entries = [` x from 192.0.2.1`, ` ${bad} from 192.0.2.2`, ' y from 192.0.2.3']
    readEntriesTogether(
      jails,
      entries.map((text) => ({ text, timeMs: nowMs, live: true })),
      { nowMs, fuse: new Fuse() },
    )
    const all = ['192.0.2.1', '192.0.2.2', '192.0.2.3']
    assert.deepEqual(
      told,
      ['one', 'two'].flatMap((name) => all.map((id) => `${name} ${id}`)),
    )
    assert.equal(jails[1]?.quarantine.entries.length, 1)
  })
})
