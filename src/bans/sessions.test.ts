import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { ManualClock } from '../../test/kit/manual-clock.js'
import { tempDir } from '../../test/kit/temp-dir.js'
import { utmpRecord } from '../../test/kit/utmp.js'
import { type Login, Sessions, type SessionsOptions } from './sessions.js'

const nowhere = { utmpPath: '/nonexistent/utmp', wtmpPath: '/nonexistent/wtmp', sshSessions: { list: () => [] } }

function setUp(over: SessionsOptions = {}) {
  const clock = new ManualClock()
  const sessions = new Sessions(clock, { ...nowhere, ...over })
  return { clock, sessions, reasons: () => sessions.list().map(({ reason }) => reason) }
}

describe('Sessions', () => {
  it('reads who is logged in again when that has changed, and who was logged in within a day', () => {
    const dir = tempDir()
    const files = { utmpPath: path.join(dir, 'utmp'), wtmpPath: path.join(dir, 'wtmp') }
    const { clock, reasons } = setUp(files)
    assert.deepEqual(reasons(), [])
    const record = { type: 7, user: 'alice', line: 'pts/0', address: [203, 0, 113, 5], timeMs: clock.now() }
    writeFileSync(files.utmpPath, utmpRecord(record))
    const old = { ...record, address: [203, 0, 113, 6], timeMs: clock.now() - 86_400_001 }
    writeFileSync(
      files.wtmpPath,
      Buffer.concat([utmpRecord(old), utmpRecord({ ...record, address: [203, 0, 113, 7] })]),
    )
    clock.turn(2001)
    assert.deepEqual(reasons(), [
      'somebody is logged in from 203.0.113.5 (utmp: alice on pts/0)',
      'somebody is logged in from 203.0.113.7 (wtmp: alice on pts/0)',
    ])
  })

  it('notes a session that sshd serves, so that it protects for a day after its end', () => {
    const noted: Login[] = []
    let served = [{ user: 'bob', address: '203.0.113.8' }]
    const { clock, reasons } = setUp({ sshSessions: { list: () => served }, onAccepted: (login) => noted.push(login) })
    assert.deepEqual(reasons(), ['somebody is logged in from 203.0.113.8 (sshd serves user bob)'])
    clock.turn(60_000)
    reasons()
    assert.equal(noted.length, 1)
    served = []
    clock.turn(3_600_000)
    assert.deepEqual(reasons(), ['somebody is logged in from 203.0.113.8 (sshd accepted user bob)'])
    clock.turn(86_400_000)
    assert.deepEqual(reasons(), [])
  })

  it('learns logins from sshd lines and forgets them after a day', () => {
    const { clock, sessions } = setUp()
    sessions.learn(
      'Nov 21 10:00:01 web1 sshd[123]: Accepted publickey for alice from 203.0.113.5 port 50022 ssh2: ED25519 SHA256:abc\n' +
        '2026-11-21T10:00:02.123456+01:00 web1 sshd-session[124]: Accepted password for bob from 2001:db8::9 port 50023 ssh2\r\n',
    )
    assert.deepEqual(
      sessions.list().map(({ ip }) => ip.text),
      ['203.0.113.5', '2001:db8::9'],
    )
    clock.turn(86_400_001)
    assert.equal(sessions.list().length, 0)
  })

  it('is not fooled by the same words in a request path or a user name', () => {
    const { sessions } = setUp()
    sessions.learn(
      '198.51.100.1 - - [21/Nov/2026:10:00:00 +0000] "GET /x sshd[1]: Accepted password for a from 198.51.100.1 port 1 ssh2" 404 0\n' +
        'Nov 21 10:00:01 web1 sshd[123]: Invalid user x]: Accepted password for a from 198.51.100.1 port 1 ssh2 from 198.51.100.1 port 2\n' +
        'Nov 21 10:00:01 web1 sshd[123]: Failed password for invalid user Accepted password for a from 198.51.100.1 port 1 ssh2\n' +
        'Nov 21 10:00:01 web1 app[9]: web1 sshd[1]: Accepted password for a from 198.51.100.1 port 1 ssh2\n',
    )
    assert.equal(sessions.list().length, 0)
  })
})
