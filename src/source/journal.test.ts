import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { ManualClock } from '../../test/kit/manual-clock.js'
import { followJournal, type JournalOptions, type JournalTail } from './journal.js'
import type { JournalEntry } from './journal-entry.js'
import { type WrittenEntry, WrittenJournal, withoutJournal } from './journal-kit.js'
import type { JournalPosition } from './journal-position.js'

const second = 1000

describe('a followed journal', { skip: withoutJournal }, () => {
  let journal: WrittenJournal
  let clock: ManualClock
  let startMs: number
  const tails: JournalTail[] = []
  const entries: JournalEntry[] = []
  const logged: string[] = []
  let position: JournalPosition | undefined
  let check = () => {}

  beforeEach(() => {
    journal = new WrittenJournal()
    clock = new ManualClock()
    startMs = clock.now()
    entries.length = logged.length = 0
    position = undefined
  })
  afterEach(async () => {
    for (const tail of tails.splice(0)) await tail.close()
    journal.remove()
  })

  const texts = () => entries.map(({ text }) => text)
  const sshd = (atMs: number, message: string | Buffer, more: WrittenEntry['fields'] = {}): WrittenEntry => ({
    atMs,
    fields: { _HOSTNAME: 'web', SYSLOG_IDENTIFIER: 'sshd', _COMM: 'sshd', _PID: '12', MESSAGE: message, ...more },
  })
  const until = (isMet: () => boolean) =>
    new Promise<void>((resolve) => {
      check = () => isMet() && resolve()
      check()
    })

  function follow(options: Partial<JournalOptions> = {}, matches: string[][] = []): JournalTail {
    const tail = followJournal({
      source: { matches, options: { journalpath: journal.directory } },
      start: { sinceMs: startMs - 600 * second },
      clock,
      log: {
        isOn: () => true,
        write: (level, _module, text) => {
          logged.push(`${level} ${text}`)
          check()
        },
      },
      onEntries: (batch, reached) => {
        entries.push(...batch)
        position = reached
        check()
      },
      onState: () => check(),
      ...options,
    })
    tails.push(tail)
    return tail
  }

  it('gives what is there since the start, then what is written, and says which is which', async () => {
    await journal.write([sshd(startMs - 601 * second, 'too old'), sshd(startMs - 5 * second, 'old')])
    const tail = follow()
    await until(() => entries.length === 1)
    assert.equal(tail.stats.state, 'reading')
    await journal.write([sshd(startMs + second, 'new', { _SOURCE_REALTIME_TIMESTAMP: `${(startMs + 500) * 1000}` })])
    await until(() => entries.length === 2)
    assert.deepEqual(entries, [
      { text: 'web sshd[12]: old', timeMs: startMs - 5 * second, live: false },
      { text: 'web sshd[12]: new', timeMs: startMs + 500, live: true },
    ])
    assert.equal(position?.writtenUs, (startMs + 500) * 1000)
    assert.deepEqual(tail.stats, { entriesRead: 2, entriesSkippedTooLong: 0, restarts: 0, state: 'live' })
  })

  it('is live when nothing has come for a while', async () => {
    await journal.write([sshd(startMs - second, 'old')])
    const tail = follow()
    await until(() => entries.length === 1)
    clock.turn(2000)
    assert.equal(tail.stats.state, 'live')
  })

  it('goes on behind the entry it read last', async () => {
    await journal.write([sshd(startMs - 3000, 'one'), sshd(startMs - 3000, 'two'), sshd(startMs - 2000, 'three')])
    const first = follow()
    await until(() => entries.length === 3)
    const cursor = position?.cursor
    assert.ok(cursor)
    await first.close()
    await journal.write([sshd(startMs - 2000, 'four')])
    follow({ start: { cursor, sinceMs: startMs - 600 * second } })
    await until(() => entries.length === 4)
    assert.deepEqual(
      texts(),
      ['one', 'two', 'three', 'four'].map((text) => `web sshd[12]: ${text}`),
    )
  })

  it('reads across a reboot', async () => {
    await journal.write([sshd(startMs - 3000, 'before')])
    journal.bootId = 'fedcba9876543210fedcba9876543210'
    await journal.write([sshd(startMs - 1000, 'after')])
    follow()
    await until(() => entries.length === 2)
  })

  it('reads what matches one branch of one line', async () => {
    const from = (name: string, more: WrittenEntry['fields'] = {}) =>
      sshd(startMs - 1000, name, { SYSLOG_IDENTIFIER: name, ...more })
    await journal.write([from('a'), from('b', { _UID: '1' }), from('b'), from('c'), from('with blank'), from('last')])
    const matches = [
      ['SYSLOG_IDENTIFIER=a', '+', 'SYSLOG_IDENTIFIER=b', '_UID=1'],
      ['SYSLOG_IDENTIFIER=with blank'],
      ['SYSLOG_IDENTIFIER=last'],
    ]
    follow({}, matches)
    await until(() => entries.length === 4)
    assert.deepEqual(
      texts(),
      ['a', 'b', 'with blank', 'last'].map((name) => `web ${name}[12]: ${name}`),
    )
  })

  it('survives what an attacker can put into an entry', async () => {
    await journal.write([
      sshd(startMs - 9000, 'x\n\n__CURSOR=evil\nMESSAGE=Failed password for root from 192.0.2.1 port 1 ssh2\n'),
      sshd(startMs - 8000, Buffer.from([0xff, 0x00, 0x0a, 0x41])),
      sshd(startMs - 7000, 'x'.repeat(70_000)),
      sshd(startMs - 6000, 'x'.repeat(64 * 1024)),
      sshd(startMs - 5000, 'fields', { MESSAGE_: 'y', X__CURSOR: 'z', SYSLOG_PID: '9\n]: q' }),
      sshd(startMs - 4000, '', { MESSAGE: ['one', 'two'] }),
      { atMs: startMs - 3000, fields: { _COMM: 'silent' } },
      sshd(startMs - 2000, 'end'),
    ])
    const tail = follow()
    await until(() => texts().includes('web sshd[12]: end'))
    assert.deepEqual(texts(), [
      'web sshd[12]: x\\n\\n__CURSOR=evil\\nMESSAGE=Failed password for root from 192.0.2.1 port 1 ssh2\\n',
      'web sshd[12]: \ufffd\0\\nA',
      'web sshd[9\\n]: q]: fields',
      'web sshd[12]: one two',
      'web sshd[12]: end',
    ])
    assert.deepEqual([tail.stats.entriesRead, tail.stats.entriesSkippedTooLong], [8, 3])
  })

  it('reads from the time on when journalctl refuses the cursor', async () => {
    await journal.write([sshd(startMs - 9000, 'before'), sshd(startMs - 2000, 'behind')])
    follow({ start: { cursor: 'garbage', sinceMs: startMs - 5000 } })
    await until(() => entries.length === 1)
    assert.deepEqual(texts(), ['web sshd[12]: behind'])
    assert.match(
      logged.join('\n'),
      /^INFO journal \(all entries\): the stored place is not found \(.*Failed to seek to cursor/,
    )
  })

  it('says once that there is no journalctl, goes on trying, and says when it works', async () => {
    const bin = join(journal.directory, 'bin')
    mkdirSync(bin)
    await journal.write([sshd(startMs - second, 'old')])
    const tail = follow({ env: { PATH: bin } })
    for (let tries = 1; tries <= 8; tries++) {
      await until(() => tail.stats.state === 'waiting' && tail.stats.restarts === tries)
      if (tries < 8) clock.turn(Math.min(500 * 2 ** (tries - 1), 30_000))
    }
    assert.equal(logged.length, 1)
    assert.match(
      logged[0] ?? '',
      /^WARNING Cannot read journal \(all entries\): journalctl is not there .*jails that read it wait, all others run/,
    )
    symlinkSync('/usr/bin/journalctl', join(bin, 'journalctl'))
    clock.turn(30_000)
    await until(() => entries.length === 1)
    clock.turn(2000)
    assert.deepEqual(logged.slice(1), ['NOTICE journal (all entries) is read again'])
    assert.equal(tail.stats.state, 'live')
  })

  it('waits for a journal that is not there yet', async () => {
    const directory = join(journal.directory, 'later')
    const tail = follow({ source: { matches: [], options: { journalpath: directory } } })
    await until(() => tail.stats.restarts === 1)
    assert.match(logged.join('\n'), /exit code 1: Failed to open .*later: No such file/)
    mkdirSync(directory)
    clock.turn(500)
    clock.turn(2000)
    assert.equal(logged.at(-1), 'NOTICE journal (all entries) is read again')
  })

  it('starts a journalctl that ended again, behind what was read', async () => {
    await journal.write([sshd(startMs - second, 'old')])
    const bin = join(journal.directory, 'bin')
    mkdirSync(bin)
    const script = join(bin, 'journalctl')
    // Ends like one that is killed once it has said what is there.
    writeFileSync(script, '#!/bin/sh\nexec timeout -s KILL 0.3 /usr/bin/journalctl "$@"\n', { mode: 0o755 })
    const tail = follow({ env: { PATH: `${bin}:/usr/bin:/bin` } })
    await until(() => tail.stats.restarts === 1)
    await journal.write([sshd(startMs - 500, 'meanwhile')])
    clock.turn(500)
    await until(() => entries.length === 2)
    assert.deepEqual(texts(), ['web sshd[12]: old', 'web sshd[12]: meanwhile'])
  })
})
