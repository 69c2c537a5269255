import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { tempDir } from '../../test/kit/temp-dir.js'
import { loadServerSettings } from './settings.js'

function read(lines: string) {
  const dir = tempDir()
  writeFileSync(path.join(dir, 'fail2ban.conf'), '[Definition]\n')
  writeFileSync(path.join(dir, 'tocsin.conf'), `[protect]\n${lines}\n`)
  return loadServerSettings(dir)
}

describe('[protect]', () => {
  it('has limits that a mistake does not reach, and nothing that nobody has named', () => {
    const { proxies, private: isPrivate, budget, budget_peers } = read('').settings?.own.protect ?? assert.fail()
    assert.deepEqual([proxies, isPrivate, budget, budget_peers], [[], false, 5000, 50])
  })

  it('takes networks, names and lists as proxies, numbers and shares as limits, off for none', () => {
    const { settings } = read(
      'proxies = 203.0.113.0/24, 2001:db8::/32\n file:/etc/edge edge.example.net\nbudget = off\nbudget_peers = 20',
    )
    const { proxies, budget, budget_peers } = settings?.own.protect ?? assert.fail()
    assert.deepEqual(
      proxies.map(({ value }) => value),
      ['203.0.113.0/24', '2001:db8::/32', 'file:/etc/edge', 'edge.example.net'],
    )
    assert.deepEqual([budget, budget_peers], [0, 20])
  })

  const wrong = {
    'proxies = 203.0.113.0/24 300.0.0.0/8': /has "300\.0\.0\.0\/8", no network/,
    'budget = many': /budget "many" is not a number/,
    'budget = -1': /is not a number/,
    'budget_peers = 101': /is not a share/,
    'private = maybe': /neither yes nor no/,
  }
  for (const [line, words] of Object.entries(wrong))
    it(`refuses "${line}" with its place`, () => {
      const [problem] = read(line).problems
      assert.match(problem?.message ?? '', words)
      assert.equal(problem?.origin?.line, 2)
    })
})
