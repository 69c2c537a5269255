import assert from 'node:assert/strict'
import { readFileSync, renameSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { ManualClock } from '../../test/kit/manual-clock.js'
import { tempDir } from '../../test/kit/temp-dir.js'
import { logLevels } from './log.js'
import { fileSink, LogWriter, localDateTime } from './log-writer.js'

function setUp(threshold: number = logLevels.INFO) {
  const file = path.join(tempDir(), 'tocsin.log')
  const clock = new ManualClock(new Date(2026, 10, 21, 1, 51, 22, 73).getTime())
  const log = new LogWriter({ clock, threshold, sinks: [fileSink(file)], pid: 18021 })
  return { file, clock, log }
}

describe('LogWriter', () => {
  it("writes Fail2ban's format to the letter", () => {
    const { file, log } = setUp()
    log.write('NOTICE', 'actions', '[tj] Ban 192.0.2.1')
    log.write('CRITICAL', '', 'x')
    log.close()
    assert.equal(
      readFileSync(file, 'utf8'),
      '2026-11-21 01:51:22,073 fail2ban.actions        [18021]: NOTICE  [tj] Ban 192.0.2.1\n' +
        '2026-11-21 01:51:22,073 fail2ban                [18021]: CRITICAL x\n',
    )
  })

  it('leaves out what is below its level', () => {
    const { file, log } = setUp(logLevels.WARNING)
    log.write('NOTICE', 'actions', 'unseen')
    log.write('WARNING', 'actions', 'seen')
    log.close()
    assert.match(readFileSync(file, 'utf8'), /^[^\n]* seen\n$/)
  })

  it('lets no text forge a line or control a terminal', () => {
    const { file, log } = setUp()
    log.write(
      'INFO',
      'filter',
      'a\n2026-11-21 01:51:22,000 fail2ban.actions [1]: NOTICE [sshd] Ban 192.0.2.9\x1b[2Jb\x00\x9b\r',
    )
    log.close()
    const lines = readFileSync(file, 'utf8').split('\n')
    assert.equal(
      lines[1],
      '    2026-11-21 01:51:22,000 fail2ban.actions [1]: NOTICE [sshd] Ban 192.0.2.9\\x1b[2Jb\\x00\\x9b\\x0d',
    )
  })

  it('goes on in a new file after a rotation', () => {
    const { file, log } = setUp()
    log.write('INFO', 'server', 'old')
    log.reopen()
    renameSync(file, `${file}.1`)
    log.reopen()
    log.write('INFO', 'server', 'new')
    log.close()
    assert.match(readFileSync(`${file}.1`, 'utf8'), /old\n$/)
    assert.match(readFileSync(file, 'utf8'), /^[^\n]*new\n$/)
  })
})

it('prints local time, also when seconds come out of order', () => {
  const at = (s: number) => new Date(2026, 0, 2, 3, 4, s).getTime()
  assert.deepEqual(
    [5, 6, 5].map((s) => localDateTime(at(s) + 999)),
    ['2026-01-02 03:04:05', '2026-01-02 03:04:06', '2026-01-02 03:04:05'],
  )
})
