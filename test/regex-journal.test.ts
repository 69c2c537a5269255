// fail2ban-regex and tocsin regex on a journal that systemd's own program wrote, beside the installed Fail2ban where it can read journals.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { partsOf, runFail2banRegex, runRegex } from '../src/cli/regex/regex-kit.js'
import { WrittenJournal, withoutJournal } from '../src/source/journal-kit.js'

process.env.TZ = 'America/St_Johns'

const peer = '/usr/bin/fail2ban-regex'
const python = '/usr/bin/python3'
const noPeer =
  spawnSync(python, ['-c', 'import systemd.journal, fail2ban']).status === 0
    ? false
    : "python3 with systemd's and Fail2ban's packages is not installed"
const config = mkdtempSync(path.join(tmpdir(), 'tocsin-regex-'))
after(() => rmSync(config, { recursive: true }))
mkdirSync(path.join(config, 'filter.d'))
writeFileSync(
  path.join(config, 'filter.d', 'door.conf'),
  '[Definition]\nfailregex = sshd.* (?:for|user) <F-USER>\\w+</F-USER> from <HOST>\njournalmatch = _SYSTEMD_UNIT=sshd.service\n  _COMM=sshd\n',
)
const startMs = Date.UTC(2026, 10, 21, 5)

describe('the journal in fail2ban-regex', { skip: withoutJournal }, () => {
  let journal: WrittenJournal
  let log = ''

  before(async () => {
    journal = new WrittenJournal()
    log = `systemd-journal[journalpath=${journal.directory}]`
    const entry = (seconds: number, message: string, more: Record<string, string> = {}) => {
      const atMs = startMs + seconds * 1000
      const own = {
        _HOSTNAME: 'web',
        SYSLOG_IDENTIFIER: 'sshd',
        _PID: '12',
        _SYSTEMD_UNIT: 'sshd.service',
        _COMM: 'sshd',
      }
      const sourced = { _SOURCE_REALTIME_TIMESTAMP: `${atMs * 1000 + 123456}` }
      return { atMs, fields: { ...own, ...sourced, MESSAGE: message, ...more } }
    }
    await journal.write([
      entry(0, 'Failed password for root from 192.0.2.1 port 55 ssh2'),
      entry(1, '# no comment'),
      entry(2, 'two\nlines from 192.0.2.3'),
      entry(3, 'Failed password for root from 192.0.2.9 port 55 ssh2', {
        _SYSTEMD_UNIT: 'dropbear.service',
        _COMM: 'dropbear',
      }),
      entry(4, 'hello from 192.0.2.8', { SYSLOG_IDENTIFIER: 'kernel', _COMM: 'x', _SYSTEMD_UNIT: 'x' }),
      entry(5, 'Invalid user m\u00fcller from 192.0.2.2 port 7'),
      entry(6, 'x'.repeat(70_000)),
      { atMs: startMs + 7000, fields: { _HOSTNAME: 'web', SYSLOG_IDENTIFIER: 'app', MESSAGE: 'later from 192.0.2.7' } },
    ])
  })
  after(() => journal.remove())

  const run = (...argv: string[]) => runFail2banRegex('-c', config, ...argv)

  it('reads all entries from the first on, with their times', async () => {
    const { out, err, code } = await run('-o', '<ip> <time>', log, 'from <HOST>')
    assert.equal(code, 0)
    assert.equal(err, 'fail2ban-regex: passed over 1 entries without a message, or longer than 64 KiB\n')
    assert.deepEqual(out.split('\n'), [
      '192.0.2.1 1795237200.123456',
      '192.0.2.3 1795237202.123456',
      '192.0.2.9 1795237203.123456',
      '192.0.2.8 1795237204.123456',
      '192.0.2.2 1795237205.123456',
      '192.0.2.7 1795237207.0',
      '',
    ])
  })

  it('takes the matches of the filter, or those of the command line instead', async () => {
    const ofFilter = await run(log, 'door')
    assert.match(
      ofFilter.out,
      /^Use {9}systemd journal\nUse {9}encoding : UTF-8\nUse {4}journal match : _SYSTEMD_UNIT=sshd\.service \+ _COMM=sshd$/m,
    )
    assert.match(ofFilter.out, /^Lines: 4 lines, 0 ignored, 2 matched, 2 missed$/m)
    const given = await run('-m', '_COMM=dropbear + SYSLOG_IDENTIFIER=kernel', log, 'door')
    assert.match(given.out, /^Use {4}journal match : _COMM=dropbear \+ SYSLOG_IDENTIFIER=kernel$/m)
    assert.match(given.out, /^Lines: 2 lines,/m)
  })

  it('says what is wrong with the options, the match and the journal', async () => {
    for (const [words, text] of [
      [['systemd-journal[depth=1]', 'from <HOST>'], /^ERROR: .*depth.*there is no such option/m],
      [
        ['systemd-journal[journalpath', 'from <HOST>'],
        /^ERROR: systemd-journal\[journalpath: write systemd-journal, or/m,
      ],
      [['-m', '--help', log, 'from <HOST>'], /^ERROR: journalmatch has "--help"/m],
      [
        [`systemd-journal[journalpath=${path.join(config, 'nowhere')}]`, 'from <HOST>'],
        /^ERROR: Cannot read the journal: .*No such file/m,
      ],
    ] as const) {
      const { out, code } = await run(...words)
      assert.match(out, text)
      assert.equal(code, 255)
    }
  })

  it('is shown by tocsin regex, the date apart from the line', async () => {
    const { counts, lines, remarks, dates } = JSON.parse(await runRegex([log, 'door'], { json: true, config }))
    assert.deepEqual([counts, remarks.length, dates], [{ matched: 2, ignored: 0, missed: 2, forgiven: 0 }, 1, []])
    assert.deepEqual(partsOf(lines[0]), [
      ['date', '2026-11-21T01:30:00.123456-03:30 '],
      ['user', 'root'],
      ['ip4', '192.0.2.1'],
    ])
  })

  it('prints what the installed Fail2ban prints', { skip: noPeer }, async () => {
    for (const options of [
      ['-v', '--print-all-matched'],
      ['-o', 'msg'],
      ['-o', '<time> <matches>'],
      ['--print-all-matched', '-L', '3'],
      ['-m', '_COMM=dropbear + SYSLOG_IDENTIFIER=kernel'],
    ]) {
      const words = [...options, log, 'from <HOST>']
      const theirs = spawnSync(python, [peer, ...words], { encoding: 'utf8', env: { ...process.env, LANG: 'C.UTF-8' } })
      const ours = await run(...words)
      assert.equal(levelled(ours.out), levelled(theirs.stdout), `${options.join(' ')}\n${theirs.stderr}`)
    }
  })
})

/** Without the time that it took, and the line that only the peer reads. */
const levelled = (text: string): string =>
  text.replace(/^\[processed in .*|^Lines: .*/gm, '').replace(/^\|.*: x{70000}\n/gm, '')
