import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { copyConfiguration, stockDir } from '../../test/kit/stock-configuration.js'
import { blankJail, EditError, edited } from './edit.js'
import { jailsOfStream } from './from-stream.js'
import { jailOption } from './jail-option.js'
import { type JailConfig, loadConfig } from './load.js'
import { commandStream } from './stream.js'

describe('jailsOfStream', () => {
  it('makes of a stream of commands the jails that the files say', {
    skip: existsSync(`${stockDir}/jail.conf`) ? false : 'no Fail2ban is installed here',
  }, (t) => {
    const dir = mkdtempSync(path.join(tmpdir(), 'stream-'))
    t.after(() => rmSync(dir, { recursive: true }))
    copyConfiguration(stockDir, dir)
    const log = path.join(dir, 'a.log')
    writeFileSync(log, '')
    const names = ['sshd', 'nginx-http-auth', 'apache-auth', 'postfix', 'dovecot', 'recidive', 'named-refused', 'exim']
    const jails = names.map((name) => `[${name}]\nenabled = true\nbackend = polling\nlogpath = ${log}\n`)
    const own =
      '[DEFAULT]\nbantime.increment = true\nbantime.maxtime = 5w\nbantime.multipliers = 1 2 4\nignoreip = ::1 10.0.0.0/8\n'
    writeFileSync(path.join(dir, 'jail.local'), own + jails.join(''))
    const { config } = loadConfig({ dir })
    const { jails: read, started, errors } = jailsOfStream(streamOf(dir))
    assert.deepEqual(errors, [])
    assert.deepEqual([...started].sort(), [...names].sort())
    assert.equal(config?.jails.length, names.length)
    for (const jail of config?.jails ?? []) {
      const other = read.find(({ name }) => name === jail.name)
      assert.deepEqual(other && essence(other), essence(jail), jail.name)
    }
  })
})

describe('edited', () => {
  const blank = blankJail('a', 'polling')
  const set = (jail: JailConfig, option: string, ...args: string[]) => edited(jail, option, args)

  it('answers with what was set, as Fail2ban does', () => {
    const table: [string, string, unknown][] = [
      ['findtime', '1h 30m', 5400],
      ['bantime', '-1', -1],
      ['bantime', '600', 600],
      ['maxretry', ' 7 ', 7],
      ['ignoreself', 'foo', false],
      ['usedns', 'foo', 'no'],
      ['ignorecache', 'key="<ip>",max-count=100,max-time=5m', ['<ip>', 100, 300]],
      ['bantime.maxtime', '1w', 604_800],
      ['bantime.increment', 'true', true],
      ['bantime.multipliers', '1 2 4', '1 2 4'],
    ]
    for (const [option, value, wanted] of table)
      assert.deepEqual(jailOption(set(blank, option, value), option), wanted, option)
  })

  it('refuses what the option does not take, in the words of Fail2ban', () => {
    const table: [string, string, RegExp][] = [
      ['findtime', 'abc', /^name 'abc' is not defined$/],
      ['maxretry', 'x', /^invalid literal for int\(\) with base 10: 'x'$/],
      ['delignoreip', '10.0.0.9', /^list\.remove\(x\): x not in list$/],
      ['logencoding', 'nonsuch', /^unknown encoding: nonsuch$/],
      ['nosuch', '3', /^Invalid command 'nosuch' \(no set action or not yet implemented\)$/],
      ['__proto__', '3', /^Invalid command '__proto__'/],
    ]
    const jail = set(blank, 'addlogpath', '/var/log/a.log')
    for (const [option, value, wanted] of table)
      assert.throws(
        () => set(jail, option, value),
        (error) => error instanceof EditError && wanted.test(error.message),
      )
  })

  it('takes a path by its letters, whatever a glob would make of them', () => {
    const jail = set(blank, 'addlogpath', '/var/log/[a]*.log', 'tail')
    assert.deepEqual(jail.source.kind === 'files' && jail.source.paths.map(({ glob, start }) => [glob, start]), [
      ['/var/log/[[]a][*].log', 'tail'],
    ])
    assert.equal(set(jail, 'dellogpath', '/var/log/[a]*.log').source.kind, 'none')
  })
})

function streamOf(dir: string) {
  const stream = commandStream({ dir, missingLogs: 'warning', ignoreWrong: true })
  return stream.kind === 'failed' ? assert.fail(stream.text) : stream.commands
}

/** What a jail does, whatever it was written in: a stream does not say where, nor what the filter's file is called. */
function essence({ filter, jail, source, actions, backend, banTimeExtra }: JailConfig): unknown {
  const values = (list: readonly { value: string }[]) => list.map(({ value }) => value)
  return {
    backend,
    banTimeExtra,
    source: source.kind === 'files' ? source.paths.map(({ glob, start }) => [glob, start]) : source.kind,
    jail: { ...jail, ignoreip: values(jail.ignoreip) },
    filter: {
      ...filter,
      name: '',
      failregex: values(filter.failregex),
      ignoreregex: values(filter.ignoreregex),
      datepattern: values(filter.datepattern),
      prefregex: filter.prefregex?.value,
    },
    actions: actions.map(({ name, properties }) => [name, properties]),
  }
}
