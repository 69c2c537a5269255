import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { loadConfig } from './load.js'

describe('[enforcement]', () => {
  it('cuts, logs nothing and closes before routing unless told otherwise', (t) => {
    const { config } = load(t, '')
    const { log, cut, hook, interfaces } = config?.own.enforcement ?? {}
    assert.deepEqual({ log, cut, hook, interfaces }, { log: undefined, cut: true, hook: 'prerouting', interfaces: [] })
  })

  it('reads a rate, and interfaces without their repetitions', (t) => {
    const { config, problems } = load(
      t,
      'log = 1/second\ncut = no\nhook = Ingress\ninterfaces = eth0, wan.7 eth0 br-x@y',
    )
    const { log, cut, hook, interfaces } = config?.own.enforcement ?? {}
    assert.deepEqual(problems, [])
    assert.deepEqual(
      { log, cut, hook, interfaces },
      { log: { packets: 1, per: 'second' }, cut: false, hook: 'ingress', interfaces: ['eth0', 'wan.7', 'br-x@y'] },
    )
  })

  it('is refused where it would do something else than what was meant', (t) => {
    for (const [text, expected] of [
      ['log = often', '[enforcement] log "often" is no rate'],
      ['hook = input', '[enforcement] hook "input" is an unknown word'],
      ['hook = ingress', '[enforcement] hook "ingress" needs interfaces, and none is named'],
      ['interfaces = eth0/1', '[enforcement] interfaces "eth0/1" has "eth0/1", no name of an interface'],
      [
        'interfaces = sixteen-letters0',
        '[enforcement] interfaces "sixteen-letters0" has "sixteen-letters0", no name of an interface',
      ],
      ['interfaces = "', '[enforcement] interfaces "\\"" has "\\"", no name of an interface'],
    ] as const)
      assert.deepEqual(load(t, text).problems, [expected])
  })
})

function load(t: TestContext, text: string) {
  const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-enforcement-'))
  t.after(() => rmSync(dir, { recursive: true }))
  writeFileSync(path.join(dir, 'jail.conf'), '[DEFAULT]\n')
  writeFileSync(path.join(dir, 'fail2ban.conf'), '[Definition]\n')
  writeFileSync(path.join(dir, 'tocsin.conf'), `[enforcement]\n${text}\n`)
  const { config, problems } = loadConfig({ dir })
  return { config, problems: problems.filter(({ severity }) => severity === 'error').map(({ message }) => message) }
}
