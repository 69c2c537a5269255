import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import type { ReloadOutcome } from '../src/api/operations.js'
import { runChild } from '../src/lib/child.js'
import { DaemonProcess, failures, House, onlySshd } from './kit/daemon-kit.js'
import { makePipe } from './kit/make-pipe.js'

interface Checked {
  ok: boolean
  problems: { message: string; hint?: string; jail?: string; origin?: { file: string; line: number } }[]
}

async function refusedToServe(house: House): Promise<string> {
  const daemon = new DaemonProcess(['serve', '-c', house.config, '--simulate'])
  assert.equal(await daemon.ended, 255, daemon.output)
  assert.deepEqual(house.leftBehind(), [])
  return daemon.output
}

describe('a wrong configuration', () => {
  const cases: [what: string, file: string, text: string, line: number, words: RegExp][] = [
    ['no section header', 'jail.local', 'enabled = true\n', 1, /section/i],
    ['a line without a value', 'jail.local', '[sshd]\nenabled = true\nmaxretry\n', 3, /maxretry/],
    ['an option twice', 'jail.local', '[sshd]\nmaxretry = 1\nmaxretry = 2\n', 3, /maxretry/],
    ['a name that nothing defines', 'jail.local', '[sshd]\nenabled = true\nlogpath = %(nowhere)s/x\n', 3, /nowhere/],
    ['an unknown key of ours', 'tocsin.local', '[api]\nsokcet = /x\n', 2, /sokcet/],
    ['a flag that is neither yes nor no', 'tocsin.local', '\n[protect]\nsessions = maybe\n', 3, /maybe/],
  ]
  for (const [what, file, text, line, words] of cases)
    it(`with ${what} names file and line and starts nothing`, async () => {
      const house = new House()
      house.write(`config/${file}`, text)
      const { exitCode, stderr } = await house.tocsin('check')
      assert.equal(exitCode, 255, stderr)
      assert.ok(stderr.includes(`${house.config}/${file}:${line}`), stderr)
      assert.match(stderr, words)
      const said = await refusedToServe(house)
      assert.ok(said.includes(`${house.config}/${file}:${line}`), said)
      assert.match(said, /Nothing is started/)
    })

  it('is told with every error at once, and a hint where there is one', async () => {
    const house = new House({
      jails: onlySshd('maxretry = often\nbantime = 1x\nfindtime = soon'),
      own: '[api]\nsokcet = /x\n',
    })
    const { exitCode, stdout } = await house.tocsin('check', '--json')
    assert.equal(exitCode, 255)
    const { ok, problems } = JSON.parse(stdout) as Checked
    assert.equal(ok, false)
    for (const word of ['often', '1x', 'soon', 'sokcet'])
      assert.ok(
        problems.some(({ message }) => message.includes(word)),
        word,
      )
    assert.match(problems.find(({ message }) => message.includes('sokcet'))?.hint ?? '', /did you mean "socket"/)
  })

  it('in a directory that does not exist says so', async () => {
    const daemon = new DaemonProcess(['serve', '-c', '/nonexistent/tocsin', '--simulate'])
    assert.equal(await daemon.ended, 255)
    assert.match(daemon.output, /\/nonexistent\/tocsin does not exist/)
  })
})

describe('one wrong jail', () => {
  it('never stops the others: a missing filter, a bad regex, a port that is none', async () => {
    const wrong = [
      '[lost]\nenabled = true\nfilter = nowhere\nlogpath = DIR/auth.log',
      '[torn]\nenabled = true\nfilter =\nfailregex = ^(a <HOST>\nlogpath = DIR/auth.log',
      '[adrift]\nenabled = true\nfilter = sshd\nport = harbour\nlogpath = DIR/auth.log',
    ]
    const house = new House({ jails: `${onlySshd()}\n${wrong.join('\n')}\n` })
    const daemon = await house.serve('--simulate')
    for (const jail of ['lost', 'torn', 'adrift']) {
      assert.match(daemon.output, new RegExp(`Jail ${jail} is left out: .*\\(/.*:\\d+\\)`, 's'))
      await house.untilLogged(`Jail '${jail}' skipped, because of wrong configuration`)
    }
    assert.deepEqual(
      (await house.status()).jails.map((jail) => jail.name),
      ['sshd'],
    )
    house.append(failures('203.0.113.1', 3))
    await house.untilBanned('203.0.113.1')
    assert.equal((await house.tocsin('check')).exitCode, 255)
  })

  it('starts nothing when no other is left', async () => {
    const house = new House({ jails: onlySshd('filter = nowhere') })
    assert.match(await refusedToServe(house), /no enabled jail is right/)
  })

  it('that names a pipe for the log starts nothing, and one for the pid file does without: a daemon that waits for a reader bans nobody', {
    timeout: 30_000,
  }, async () => {
    const house = new House()
    await makePipe(house.at('pipe'))
    const server = house.read('config/fail2ban.local')
    house.write('config/fail2ban.local', server.replace(/^logtarget = .*$/m, 'logtarget = DIR/pipe'))
    assert.match(await refusedToServe(house), /Cannot write to .*pipe: it is a pipe that nobody reads/)
    house.write('config/fail2ban.local', server.replace(/^pidfile = .*$/m, 'pidfile = DIR/pipe'))
    const daemon = await house.serve('--simulate')
    assert.match(house.read(), /ERROR .*Unable to create PID file: Cannot write to .*pipe/)
    assert.equal(await daemon.end(), 0)
    assert.equal(existsSync(house.at('pipe')), true)
  })

  it('whose log is missing waits for it, and is named', async () => {
    const house = new House({
      jails: `${onlySshd()}\n[later]\nenabled = true\nfilter = sshd\nmaxretry = 1\nlogpath = DIR/new/later.log\n`,
    })
    const daemon = await house.serve('--simulate')
    assert.match(daemon.output, /Waiting for logs that are not there yet: .*new\/later\.log \(later\)/)
    house.write('new/later.log', failures('203.0.113.7'))
    await house.untilBanned('203.0.113.7', 'later')
  })

  it('with an action of its own says that it is not run while all is simulated', async () => {
    const house = new House({ jails: onlySshd('maxretry = 3\naction = strange[name=sshd]') })
    const record = `${house.dir}/record`
    house.write(
      'config/action.d/strange.conf',
      `[Definition]\nactionstart = touch ${record}\nactionban = touch ${record}\n`,
    )
    const daemon = await house.serve('--simulate')
    assert.match(daemon.output, /Actions are not run either: [^\n]*sshd/)
    house.append(failures('203.0.113.1', 3))
    await house.untilBanned('203.0.113.1')
    assert.equal(await daemon.end(), 0)
    assert.ok(!existsSync(record))
  })

  it('with an action of Fail2ban in Python says what to do instead', async () => {
    const house = new House({ jails: `${onlySshd()}\n[odd]\nenabled = true\nfilter = sshd\naction = strange.py\n` })
    house.write('config/action.d/strange.py', 'class Action: pass\n')
    const daemon = await house.serve('--simulate')
    assert.match(daemon.output, /Jail odd is left out: [^\n]*strange\.py/)
  })
})

describe('reload', () => {
  const reload = async (house: House) => JSON.parse((await house.tocsin('reload', '--json')).stdout) as ReloadOutcome

  it('changes nothing when a file is wrong, and says why', async () => {
    const house = new House()
    await house.serve('--simulate')
    house.append(failures('203.0.113.1', 3))
    await house.untilBanned('203.0.113.1')
    for (const jails of [
      '[sshd]\nenabled = true\nenabled = true\n',
      onlySshd('failregex = ^(a <HOST>'),
      onlySshd('filter = nowhere'),
    ]) {
      house.write('config/jail.local', jails)
      const outcome = await reload(house)
      assert.equal(outcome.ok, false)
      assert.ok(outcome.problems.some(({ origin }) => origin?.file.endsWith('jail.local')))
    }
    assert.equal((await house.jail()).maxretry, 3)
    assert.equal(await house.isBanned('203.0.113.1'), true)
    house.append(failures('203.0.113.2', 3))
    await house.untilBanned('203.0.113.2')
  })

  it('changes nothing when the log cannot be opened, and lives on, also when a signal has asked', async () => {
    const house = new House()
    const daemon = await house.serve('--simulate')
    house.write('config/fail2ban.d/log.local', '[Definition]\nlogtarget = DIR/auth.log/in-a-file\n')
    house.write('config/jail.local', onlySshd('maxretry = 7'))
    const refused = await reload(house)
    assert.match(refused.problems[0]?.message ?? '', /Unable to log to '.*in-a-file'/)
    daemon.signal('SIGHUP')
    await house.untilLogged(/(Reload refused, nothing has changed[\s\S]*){2}/)
    assert.equal((await house.jail()).maxretry, 3)
    house.write('config/fail2ban.d/log.local', '[Definition]\nlogtarget = DIR/new/tocsin.log\n')
    assert.deepEqual(await reload(house), { ok: true, changes: ['Jail sshd changed'], problems: [] })
    assert.match(house.read('new/tocsin.log'), /Reload finished/)
  })

  it('says of a setting that takes effect only at a start that it does', async () => {
    const house = new House()
    await house.serve('--simulate')
    for (const setting of ['dbfile = DIR/other.db', 'pidfile = DIR/other.pid']) {
      house.write('config/fail2ban.d/later.local', `[Definition]\n${setting}\n`)
      assert.match((await house.tocsin('reload')).stdout, /'tocsin restart' applies it/, setting)
    }
    house.write('config/tocsin.local', '[api]\nmetrics = 127.0.0.1:9191\n')
    assert.match((await house.tocsin('reload')).stdout, /\[api\] has changed: 'tocsin restart' applies it/)
  })

  it('that keeps fewer lines of each ban does so from then on, be it by a file or by a command', async () => {
    const house = new House()
    await house.serve('--simulate')
    const linesOf = async (ip: string) => {
      house.append(failures(ip, 3))
      await house.untilBanned(ip)
      assert.equal((await house.tocsin('restart')).exitCode, 0)
      return (await house.why(ip)).bans[0]?.lines.length
    }
    house.write('config/fail2ban.d/fewer.local', '[Definition]\ndbmaxmatches = 2\n')
    assert.doesNotMatch((await house.tocsin('reload')).stdout, /restart/)
    assert.equal(await linesOf('203.0.113.1'), 2)
    const client = path.resolve(import.meta.dirname, '../bin/fail2ban-client')
    const said = await runChild([client, '-c', house.config, 'set', 'dbmaxmatches', '1'], { timeoutMs: 20_000 })
    assert.equal(said.stdout, '1\n')
    assert.equal(await linesOf('203.0.113.2'), 1)
  })

  it('keeps the copy of the log on the terminal when the log changes', async () => {
    const house = new House()
    const daemon = await house.serve('--simulate', '-v')
    house.write('config/fail2ban.d/log.local', '[Definition]\nloglevel = NOTICE\n')
    assert.equal((await reload(house)).ok, true)
    house.append(failures('203.0.113.1', 3))
    await daemon.untilSaid('[sshd] Ban 203.0.113.1')
  })

  it('adds, changes and removes jails and leaves the others and their bans alone', async () => {
    const house = new House({
      jails: `${onlySshd()}\n[second]\nenabled = true\nfilter = sshd\nmaxretry = 9\nlogpath = DIR/second.log\n`,
    })
    house.write('second.log', '')
    await house.serve('--simulate')
    house.append(failures('203.0.113.1', 3))
    await house.untilBanned('203.0.113.1')
    assert.deepEqual(await reload(house), { ok: true, changes: [], problems: [] })
    house.write(
      'config/jail.local',
      `${onlySshd()}\n[second]\nenabled = true\nfilter = sshd\nmaxretry = 1\nlogpath = DIR/second.log\n[third]\nenabled = true\nfilter = sshd\nmaxretry = 1\nlogpath = DIR/third.log\n`,
    )
    const changed = await reload(house)
    assert.deepEqual(changed.ok && changed.changes, ['Jail second changed', 'Jail third added'])
    house.append(failures('203.0.113.2'), 'second.log')
    house.append(failures('203.0.113.3'), 'third.log')
    await house.untilBanned('203.0.113.2', 'second')
    await house.untilBanned('203.0.113.3', 'third')
    assert.equal(await house.isBanned('203.0.113.1', 'sshd'), true)
    house.write('config/jail.local', onlySshd())
    const removed = await reload(house)
    assert.deepEqual(removed.ok && removed.changes, ['Jail second removed', 'Jail third removed'])
    assert.deepEqual(
      (await house.bans()).map((ban) => ban.ip),
      ['203.0.113.1'],
    )
  })
})

describe('bans of a jail', () => {
  const ip = '203.0.113.1'

  it('that has another ban time now get it too, as with Fail2ban', async () => {
    const house = new House()
    await house.serve('--simulate')
    house.append(failures(ip, 3))
    await house.untilBanned(ip)
    house.write('config/jail.local', onlySshd('maxretry = 3\nbantime = 2d'))
    assert.equal((await house.tocsin('reload')).exitCode, 0)
    house.append(failures('203.0.113.2', 3))
    await house.untilBanned('203.0.113.2')
    const lengths = (await house.bans()).map((ban) => (ban.endMs ?? 0) - ban.startMs)
    assert.deepEqual(lengths, [2 * 86_400_000, 2 * 86_400_000])
  })

  it('that is gone are lifted, and in force again when it comes back', async () => {
    const both = `${onlySshd()}\n[second]\nenabled = true\nfilter = sshd\nmaxretry = 1\nlogpath = DIR/second.log\n`
    const house = new House({ jails: both })
    await house.serve('--simulate')
    house.append(failures(ip), 'second.log')
    await house.untilBanned(ip, 'second')
    const before = await house.bans()
    for (const [jails, bans] of [
      [onlySshd(), []],
      [both, before],
    ] as const) {
      house.write('config/jail.local', jails)
      assert.equal((await house.tocsin('reload')).exitCode, 0)
      assert.deepEqual(await house.bans(), bans)
    }
  })
})

it('refuses a restart that would not come back', async () => {
  const house = new House()
  await house.serve('--simulate')
  house.write('config/jail.local', '[sshd\n')
  const { exitCode, stderr } = await house.tocsin('restart')
  assert.equal(exitCode, 255)
  assert.match(stderr, /Not restarted/)
  assert.equal((await house.status()).jails.length, 1)
})
