import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { loadConfig } from './load.js'

const small = {
  'fail2ban.conf':
    '[DEFAULT]\nlogtarget = SYSLOG[facility=AUTH]\ndbpurgeage = 2d\n[Definition]\nsocket = /run/f.sock\n',
  'jail.conf': [
    '[DEFAULT]',
    'bantime = 1h',
    'port = 0:65535',
    'action = drop[port="%(port)s"]',
    '[door]',
    'enabled = yes',
    'filter = door[mode=hard]',
    'port = ssh,2222',
    'logpath = /var/log/door.log tail',
    '  /var/log/door-*.log',
    'ignoreip = 192.0.2.1, 198.51.100.0/24',
    '[closed]',
    'enabled = no',
    'filter = missing',
  ].join('\n'),
  'filter.d/door.conf': [
    '[INCLUDES]',
    'before = base.conf',
    '[Definition]',
    'failregex = <re-<mode>>',
    '            ^Bad key <HOST>$',
    'maxlines = 2',
    're-hard = ^Knock <HOST> <__tail>$',
    '          ^Kick <HOST>$',
    're-soft = ^Kick <HOST>$',
  ].join('\n'),
  'filter.d/base.conf': '[DEFAULT]\n__tail = (?:port \\d+)?\n[Definition]\ndatepattern = {^LN-BEG}\n',
  'action.d/drop.conf': '[Definition]\nactionban = close <ip> <port> <how>\n[Init]\nhow = hard\n',
}

describe('loading a configuration', () => {
  it('reads jails, filters and actions of a directory', (t) => {
    const { config, problems } = loadConfig({ dir: written(t, small) })
    assert.deepEqual(problems, [])
    assert.deepEqual(config?.server.logtarget, 'SYSLOG[facility=AUTH]')
    assert.equal(config?.server.dbpurgeageMs, 172_800_000)
    const [door, ...others] = config?.jails ?? []
    assert.deepEqual(others, [])
    assert.deepEqual(
      door?.filter.failregex.map(({ value }) => value),
      ['^Knock <HOST> (?:port \\d+)?$', '^Kick <HOST>$', '^Bad key <HOST>$'],
    )
    assert.equal(door?.filter.maxlines, 2)
    assert.equal(door?.jail.banTimeMs, 3_600_000)
    assert.equal(door?.scope.port?.value, 'ssh,2222')
    assert.deepEqual(door?.actions[0]?.properties, [
      ['actionban', 'close <ip> ssh,2222 hard'],
      ['port', 'ssh,2222'],
      ['name', 'door'],
      ['actname', 'drop'],
      ['how', 'hard'],
    ])
  })

  it('keeps globs and the word for where to start', (t) => {
    const source = loadConfig({ dir: written(t, small) }).config?.jails[0]?.source
    assert(source?.kind === 'files')
    const paths = source.paths.map(({ glob, start }) => [glob, start])
    assert.deepEqual(paths, [
      ['/var/log/door.log', 'tail'],
      ['/var/log/door-*.log', 'head'],
    ])
  })

  it('knows file and line of each pattern, also of those that came by a tag', (t) => {
    const dir = written(t, small)
    const origins = loadConfig({ dir }).config?.jails[0]?.filter.failregex.map(({ origin }) => origin)
    const file = `${dir}/filter.d/door.conf`
    assert.deepEqual(origins, [
      { file, line: 7 },
      { file, line: 8 },
      { file, line: 5 },
    ])
  })

  it('leaves out a jail with a wrong value, and says which file and line', (t) => {
    const dir = written(t, { ...small, 'jail.local': '[door]\nmaxretry = many\nfindtime = 1x\n' })
    const { config, problems } = loadConfig({ dir })
    assert.deepEqual(config?.jails, [])
    const told = problems.map(({ jail, origin, severity }) => `${severity} ${jail} ${origin?.file}:${origin?.line}`)
    assert.deepEqual(told.sort(), [`error door ${dir}/jail.local:2`, `error door ${dir}/jail.local:3`])
  })

  it('finds every error in one run', (t) => {
    const dir = written(t, {
      ...small,
      'jail.local':
        '[a]\nenabled = yes\nfilter = nowhere\n[b]\nenabled = yes\nfilter = %(gone)s\n[c]\nenabled=yes\naction = drop[x\n',
      'tocsin.conf': '[protekt]\n[api]\nsockte = /x\n',
    })
    const { config, problems } = loadConfig({ dir })
    assert.equal(config, undefined)
    assert.deepEqual(
      problems.map(({ jail, origin }) => `${jail} ${path.basename(origin?.file ?? '')}:${origin?.line}`).sort(),
      [
        'a jail.local:3',
        'c jail.local:9',
        'undefined jail.local:6',
        'undefined tocsin.conf:1',
        'undefined tocsin.conf:3',
      ],
    )
    assert.deepEqual(
      problems
        .map(({ hint }) => hint)
        .filter((hint) => hint?.startsWith('did'))
        .sort(),
      ['did you mean "protect"?', 'did you mean "socket"?'],
    )
  })

  it('reads the installed configuration', {
    skip: existsSync('/etc/fail2ban/jail.conf') ? false : 'no /etc/fail2ban',
  }, () => {
    const { config, problems } = loadConfig({ dir: '/etc/fail2ban/' })
    assert.deepEqual(problems, [])
    assert.equal(config?.dir, '/etc/fail2ban')
    assert.equal(config?.jails.find(({ name }) => name === 'sshd')?.filter.failregex.length, 22)
  })
})

function written(t: TestContext, files: Record<string, string>): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'config-'))
  t.after(() => rmSync(dir, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(dir, name)), { recursive: true })
    writeFileSync(path.join(dir, name), text)
  }
  return dir
}
