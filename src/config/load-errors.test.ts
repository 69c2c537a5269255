import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { makePipe } from '../../test/kit/make-pipe.js'
import { loadConfig } from './load.js'

/** `level jail file:line hint` of every problem. */
const table: { name: string; files: Record<string, string>; told: string[] }[] = [
  {
    name: 'a misspelled filter has the right name as hint',
    files: { 'jail.conf': '[a]\nenabled = yes\nfilter = dooor\n' },
    told: ['error a jail.conf:3 did you mean "door"?'],
  },
  {
    name: 'a misspelled reference has the right name as hint, and stops everything',
    files: { 'jail.conf': '[a]\nport = 1\nenabled = yes\nbantime = %(prot)s\n' },
    told: ['error - jail.conf:4 did you mean "port"?'],
  },
  {
    name: 'a misspelled option is a warning',
    files: {
      'jail.conf': '[DEFAULT]\nmaxrety = 1\n[a]\nenabled = yes\nlog_path = x\nuser_of = %(fintime)s\nfintime = 3\n',
    },
    told: ['warning - jail.conf:2 did you mean "maxretry"?', 'warning - jail.conf:5 did you mean "logpath"?'],
  },
  {
    name: 'every wrong value of a jail is told, with the line of the value',
    files: {
      'jail.conf':
        '[DEFAULT]\nfindtime = soon\n[a]\nenabled = yes\nfilter = door[maxlines=none]\nbantime =\n  1x\nmaxretry = -1\nbackend = gamin\nbantime.increment = yes\nbantime.multipliers = 1 x\nbantime.maxtime = ever\n',
    },
    told: [
      'error a jail.conf:2 write 600',
      'error a jail.conf:5 write maxlines',
      'error a jail.conf:7 write 600',
      'error a jail.conf:8 write maxretry',
      'error a jail.conf:9 use auto',
      'error a jail.conf:11 write 1 2',
      'error a jail.conf:12 write 600',
    ],
  },
  {
    name: 'a value that another one repeats is told once',
    files: { 'jail.conf': '[DEFAULT]\nmaxmatches = %(maxretry)s\n[a]\nenabled = yes\nmaxretry = many\n' },
    told: ['error a jail.conf:5 write maxretry'],
  },
  {
    name: 'an action that is not there has the place where its name is written',
    files: {
      'jail.conf':
        '[DEFAULT]\nbanaction = hammer\naction_ = %(banaction)s[port=1]\naction = %(action_)s\n[a]\nenabled = yes\n',
      'jail.local': '[DEFAULT]\nbanaction = hamer\n',
      'action.d/hammer.conf': '[Definition]\n',
    },
    told: ['error a jail.local:2 did you mean "hammer"?'],
  },
  {
    name: 'a circle of tags stops everything, and names the file',
    files: {
      'jail.conf': '[a]\nenabled = yes\nfilter = circle\n',
      'filter.d/circle.conf': '[Definition]\nfailregex = ^x\n  <a>\na = <b>\nb = <a>\n',
    },
    told: ['error - filter.d/circle.conf:5 look for'],
  },
  {
    name: 'errors of several files are told together',
    files: {
      'jail.conf': '[a]\nenabled = yes\nfilter = one\n[b]\nenabled = yes\nfilter = two\n[b]\n',
      'fail2ban.conf': '[Definition]\nloglevel = LOUD\ndbpurgeage = 1x\n',
      'tocsin.conf': '[enforcement]\nsimulate = perhaps\nx\n',
    },
    told: ['error - fail2ban.conf:2 use one of', 'error - jail.conf:7 remove', 'error - tocsin.conf:3 a line'],
  },
  {
    name: 'a file with a byte order mark says so',
    files: { 'jail.conf': '\ufeff[a]\n' },
    told: ['error - jail.conf:1 save the file'],
  },
  {
    name: 'an include that cannot be decoded is left out, with a warning',
    files: {
      'jail.conf': '[a]\nenabled = yes\nfilter = door\n',
      'filter.d/door.conf': '[INCLUDES]\nbefore = more.conf\n[Definition]\n',
      'filter.d/more.conf': 'latin1:[Definition]\n# \u00fc\n',
    },
    told: ['warning - filter.d/more.conf:2 convert'],
  },
  {
    name: 'a setting of ours that is neither yes nor no is refused',
    files: { 'tocsin.conf': '[protect]\nsessions = perhaps\n' },
    told: ['error - tocsin.conf:2 write yes or no'],
  },
  {
    name: 'so are a time that is none, and an address without a port',
    files: { 'tocsin.conf': '[enforcement]\naudit = sometimes\n[api]\nmetrics = localhost:9191\n' },
    told: ['error - tocsin.conf:2 write seconds, or 30m', 'error - tocsin.conf:4 write 127.0.0.1:9191'],
  },
]

describe('what is wrong in a configuration', () => {
  for (const { name, files, told } of table) {
    it(name, (t) => {
      const dir = written(t, files)
      const { problems } = loadConfig({ dir })
      const lines = problems.map(({ severity, jail, origin, hint }) => {
        const file = path.relative(dir, origin?.file ?? '')
        return `${severity} ${jail ?? '-'} ${file}:${origin?.line} ${hint}`
      })
      assert.equal(lines.length, told.length, lines.join('\n'))
      for (const start of told)
        assert(
          lines.some((line) => line.startsWith(start)),
          `${start} is not among\n${lines.join('\n')}`,
        )
    })
  }

  it('is not the command line, which wins over the files', (t) => {
    const dir = written(t, { 'fail2ban.conf': '[Definition]\nloglevel = LOUD\nsocket = /a\n' })
    const { config, problems } = loadConfig({ dir, overrides: { loglevel: 'debug', socket: '/b' } })
    assert.deepEqual(problems, [])
    assert.deepEqual([config?.server.loglevel, config?.server.socket], ['debug', '/b'])
  })
})

describe('what is right in a configuration', () => {
  it('gives the daemon sources, times and our own settings', (t) => {
    const dir = written(t, {
      'jail.conf': [
        '[DEFAULT]\nenabled = yes\nfilter = door\nlogpath = /var/log/*.log',
        '[files]\nbackend = polling\nlogencoding = latin-1\nbantime = -1\nfindtime = 1.5m',
        '[journal]\nbackend = systemd[journalflags=1]\njournalmatch = A=b + C="d e"\n  E=f',
        '[either]\njournalmatch = A=b',
        '[only files]\njournalmatch = A=b\nsystemd_if_nologs = no',
        '[neither]\nlogpath =\nbantime.increment = on\nbantime.multipliers = 1  2\nbantime.rndtime = 5m',
      ].join('\n'),
      'tocsin.conf': '[api]\nsocket = /run/t.sock\n[protect]\nignoreip = 192.0.2.1, 192.0.2.2\n',
      'tocsin.local': '[protect]\nsessions = off\n',
    })
    const { config, problems } = loadConfig({ dir })
    assert.deepEqual(problems, [])
    const [files, journal, either, onlyFiles, neither] = config?.jails ?? []
    assert.deepEqual(
      [files?.source.kind, journal?.source.kind, either?.source.kind, neither?.source.kind],
      ['files', 'journal', 'files', 'none'],
    )
    assert(files?.source.kind === 'files' && files.source.polling && files.source.encoding === 'latin-1')
    assert.deepEqual([files.jail.banTimeMs, files.jail.findTimeMs], [undefined, 90_000])
    assert.deepEqual(journal?.source, {
      kind: 'journal',
      matches: ['A=b + C="d e"', 'E=f'],
      options: { journalflags: '1' },
    })
    assert.deepEqual(either?.sourceWithoutFiles, { kind: 'journal', matches: ['A=b'], options: {} })
    assert.equal(onlyFiles?.sourceWithoutFiles, undefined)
    assert.deepEqual(neither?.jail.increment, { multipliers: [1, 2], rndTimeMs: 300_000, overalljails: false })
    assert.equal(config?.own.api.socket, '/run/t.sock')
    assert.equal(config.own.protect.sessions, false)
    assert.deepEqual(
      config.own.protect.ignoreip.map(({ value }) => value),
      ['192.0.2.1', '192.0.2.2'],
    )
    assert.equal(config.own.enforcement.simulate, false)
  })

  it('reads when to audit and where metrics are served', (t) => {
    const own = (text: string) => loadConfig({ dir: written(t, { 'tocsin.conf': text }) }).config?.own
    assert.equal(own('')?.enforcement.audit, 60_000)
    assert.equal(own('[enforcement]\naudit = 0\n')?.enforcement.audit, 0)
    assert.equal(own('[enforcement]\naudit = 5m\n')?.enforcement.audit, 300_000)
    assert.equal(own('')?.api.metrics, undefined)
    assert.deepEqual(own('[api]\nmetrics = [::1]:9191\n')?.api.metrics, { host: '::1', port: 9191 })
    assert.deepEqual(own('[api]\nmetrics = 0.0.0.0:80\n')?.api.metrics, { host: '0.0.0.0', port: 80 })
  })

  it('names the line of the jail where a value is put together, and the file of a value taken whole', (t) => {
    const dir = written(t, {
      'jail.conf':
        '[DEFAULT]\nhead = ^Front\nenabled = yes\n[a]\nfilter = door\nfailregex = %(known/failregex)s\n    %(head)s <HOST>$\n    %(head)s\n',
    })
    const lines = loadConfig({ dir }).config?.jails[0]?.filter.failregex.map(
      ({ value, origin }) => `${path.relative(dir, origin.file)}:${origin.line} ${value}`,
    )
    assert.deepEqual(lines, [
      'filter.d/door.conf:2 ^Knock <HOST>$',
      'filter.d/door.conf:3 ^Kick <HOST>$',
      'jail.conf:7 ^Front <HOST>$',
      'jail.conf:2 ^Front',
    ])
  })
})

describe('a file of a configuration that is none', () => {
  // The daemon would wait for whoever writes into it, and protect nobody.
  for (const name of [
    'fail2ban.local',
    'jail.local',
    'jail.d/more.conf',
    'filter.d/door.conf',
    'action.d/hammer.local',
    'paths.conf',
    'tocsin.conf',
    'tocsin.local',
  ])
    it(`is named and not waited for: ${name}`, async (t) => {
      const jail =
        '[INCLUDES]\nbefore = paths.conf\n[a]\nenabled = yes\nfilter = door\naction = hammer\nlogpath = /dev/null\n'
      const dir = written(t, { 'jail.conf': jail, 'action.d/hammer.conf': '[Definition]\nactionban = true\n' })
      const file = path.join(dir, name)
      mkdirSync(path.dirname(file), { recursive: true })
      rmSync(file, { force: true })
      await makePipe(file)
      const { problems } = loadConfig({ dir })
      const [about] = problems.filter(({ message }) => message.includes(`${file} is a pipe and no file`))
      // What is merely included is left out, as Fail2ban does.
      const severity = name === 'paths.conf' ? 'warning' : 'error'
      assert.deepEqual([about?.severity, about?.origin?.file], [severity, file], JSON.stringify(problems))
    })
})

const base = {
  'fail2ban.conf': '[Definition]\n',
  'jail.conf': '[a]\nenabled = no\n',
  'filter.d/door.conf': '[Definition]\nfailregex = ^Knock <HOST>$\n            ^Kick <HOST>$\n',
}

function written(t: TestContext, files: Record<string, string>): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'config-'))
  t.after(() => rmSync(dir, { recursive: true }))
  for (const [name, text] of Object.entries({ ...base, ...files })) {
    mkdirSync(path.dirname(path.join(dir, name)), { recursive: true })
    const latin1 = text.startsWith('latin1:')
    writeFileSync(path.join(dir, name), latin1 ? Buffer.from(text.slice(7), 'latin1') : text)
  }
  return dir
}
