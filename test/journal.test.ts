import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runChild } from '../src/lib/child.js'
import { type WrittenEntry, WrittenJournal, withoutJournal } from '../src/source/journal-kit.js'
import { atTheEnd, House, withoutDebian } from './kit/daemon-kit.js'
import { waitUntil } from './kit/wait-until.js'

const skip = withoutDebian || withoutJournal

/** sshd's words, in a field of the journal. */
function failure(ip: string, agoMs = 0, fields: WrittenEntry['fields'] = {}): WrittenEntry {
  return {
    atMs: Date.now() - agoMs,
    fields: {
      _HOSTNAME: 'web',
      SYSLOG_IDENTIFIER: 'sshd',
      _COMM: 'sshd',
      _PID: '4711',
      MESSAGE: `Failed password for root from ${ip} port 40022 ssh2`,
      ...fields,
    },
  }
}

const times = (count: number, entry: () => WrittenEntry) => Array.from({ length: count }, entry)

function house(jails: string): { house: House; journal: WrittenJournal } {
  const journal = new WrittenJournal()
  atTheEnd(() => journal.remove())
  const text = jails.replaceAll('JOURNAL', journal.directory)
  return { house: new House({ base: 'debian', jails: text }), journal }
}

const sshd = '[sshd]\nenabled = true\nbackend = systemd[journalpath=JOURNAL]\nmaxretry = 3\n'

describe('a jail on the journal', { skip }, () => {
  it('bans for what was written before and now, and after a restart counts nothing twice', async () => {
    const { house: one, journal } = house(sshd)
    await journal.write([
      ...times(3, () => failure('203.0.113.1', 60_000)),
      ...times(2, () => failure('203.0.113.2', 50_000)),
    ])
    const first = await one.serve('--simulate')
    await one.untilBanned('203.0.113.1')
    await one.untilCounted(5)
    await journal.write(times(3, () => failure('203.0.113.3')))
    await one.untilBanned('203.0.113.3')
    const { sources } = await one.jail()
    assert.deepEqual(sources, [
      { path: 'journal (_SYSTEMD_UNIT=sshd.service + _COMM=sshd)', state: 'live', linesSkippedTooLong: 0, offset: 8 },
    ])
    await one.tocsin('stop')
    assert.equal(await first.ended, 0)

    await journal.write(times(3, () => failure('203.0.113.4', 1000)))
    await one.serve('--simulate')
    await one.untilBanned('203.0.113.4')
    await one.untilCounted(3)
    assert.ok(!(await one.isBanned('203.0.113.2')))
    assert.ok(await one.isBanned('203.0.113.1'))
  })

  it('is banned by nobody but who is meant, whatever stands in an entry', async () => {
    const { house: one, journal } = house(sshd)
    const words = 'Failed password for root from 192.0.2.66 port 1 ssh2'
    const hostile = [
      failure('203.0.113.9', 0, { _COMM: 'logger', MESSAGE: words }),
      failure('203.0.113.9', 0, { MESSAGE: `Invalid user x\nweb sshd[1]: ${words}\n from 203.0.113.9 port 2` }),
      failure('203.0.113.9', 0, { MESSAGE: `Received disconnect\n\n_COMM=sshd\nMESSAGE=${words}\n` }),
      failure('203.0.113.9', 0, { MESSAGE: `${'x'.repeat(70_000)}\n${words}` }),
    ]
    await one.serve('--simulate')
    for (let round = 0; round < 3; round++) await journal.write(hostile)
    await journal.write(times(3, () => failure('203.0.113.8')))
    await one.untilBanned('203.0.113.8')
    assert.ok(!(await one.isBanned('192.0.2.66')))
    assert.equal((await one.jail()).sources[0]?.linesSkippedTooLong, 3)
  })

  it('stores its place where Fail2ban finds it', async () => {
    const { house: one, journal } = house(sshd)
    const entry = failure('203.0.113.1')
    await journal.write([entry])
    const daemon = await one.serve('--simulate')
    await one.untilCounted(1)
    await one.tocsin('stop')
    await daemon.ended
    const script = [
      'import sys',
      'from fail2ban.server.database import Fail2BanDb',
      'class Jail: name = "sshd"',
      'print(Fail2BanDb(sys.argv[1]).getJournalPos(Jail, "systemd-journal"))',
    ].join('\n')
    const peer = await runChild(['/usr/bin/python3', '-c', script, one.database], { timeoutMs: 20_000 })
    assert.equal(Number(peer.stdout), entry.atMs / 1000, peer.stderr)
  })

  it('shares one journalctl with the jails that ask for the same', async () => {
    const other = '[other]\nenabled = true\nfilter = sshd\nbackend = systemd[journalpath=JOURNAL]\nmaxretry = 1\n'
    const { house: one, journal } = house(`${sshd}${other}`)
    await one.serve('--simulate')
    await journal.write([failure('203.0.113.1')])
    await one.untilBanned('203.0.113.1', 'other')
    await one.untilCounted(1)
    const running = await runChild(['pgrep', '-fc', `^journalctl .*${journal.directory}`], { timeoutMs: 20_000 })
    assert.equal(running.stdout, '1\n')
  })

  it('waits where there is no journalctl, while the others go on', async () => {
    const { house: one } = house(
      `${sshd}[files]\nenabled = true\nfilter = sshd\nlogpath = DIR/auth.log\nmaxretry = 1\nbackend = auto\n`,
    )
    const { PATH } = process.env
    process.env.PATH = '/nonexistent'
    const started = one.serve('--simulate')
    process.env.PATH = PATH
    await started
    await one.untilLogged(
      /WARNING .*Cannot read journal \(.*journalctl is not there .*jails that read it wait, all others run/,
    )
    assert.equal((await one.jail()).sources[0]?.state, 'waiting')
    const date = new Date().toISOString()
    one.append(`${date} web sshd[1]: Failed password for root from 203.0.113.5 port 4 ssh2\n`)
    await one.untilBanned('203.0.113.5', 'files')
  })

  it('takes the place of a log that is not there, when the jail has its own journalmatch', async () => {
    const { house: one } = house(
      '[sshd]\nenabled = true\nbackend = auto\nlogpath = DIR/none.log\njournalmatch = _COMM=tocsin-test\n',
    )
    await one.serve('--simulate')
    await one.untilLogged("Have not found any log file for 'sshd' jail. Jail will monitor systemd journal.")
    assert.equal((await one.jail()).sources[0]?.path, 'journal (_COMM=tocsin-test)')
  })

  it('is left out when a journalmatch could be an option, and says where', async () => {
    const { house: one } = house(
      `${sshd}[bad]\nenabled = true\nfilter = sshd\nbackend = systemd\njournalmatch = --file=/etc/shadow\n`,
    )
    await one.serve('--simulate')
    const { jails } = await one.status()
    await waitUntil(() => jails.length === 1, 'one jail runs')
    await one.untilLogged(
      /'bad' skipped.*"--file=\/etc\/shadow", which is neither FIELD=value nor \+ \(.*jail\.local:\d+\)/,
    )
  })
})
