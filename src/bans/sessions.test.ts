import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { ManualClock } from '../../test/kit/manual-clock.js'
import { parseUtmp, Sessions } from './sessions.js'

const noUtmp = '/nonexistent/utmp'

/** A record as login(1) writes it: utmp(5). */
function utmpRecord(options: { type: number; user: string; line: string; address: number[] }): Buffer {
  const record = Buffer.alloc(384)
  record.writeInt16LE(options.type, 0)
  record.write(options.line, 8)
  record.write(options.user, 44)
  Buffer.from(options.address).copy(record, 348)
  return record
}

const v6 = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]

describe('Sessions', () => {
  it('knows who is logged in from utmp, IPv4 and IPv6', () => {
    const bytes = Buffer.concat([
      utmpRecord({ type: 7, user: 'alice', line: 'pts/0', address: [203, 0, 113, 5] }),
      utmpRecord({ type: 8, user: 'gone', line: 'pts/1', address: [203, 0, 113, 6] }),
      utmpRecord({ type: 7, user: 'local', line: 'tty1', address: [] }),
      utmpRecord({ type: 7, user: 'bob', line: 'pts/2', address: v6 }),
      Buffer.alloc(100, 7),
    ])
    assert.deepEqual(
      [...parseUtmp(bytes)],
      [
        ['203.0.113.5', 'utmp: alice on pts/0'],
        ['2001:db8::9', 'utmp: bob on pts/2'],
      ],
    )
  })

  it('reads utmp again when it has changed', () => {
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'tocsin-')), 'utmp')
    const clock = new ManualClock()
    const sessions = new Sessions(clock, { utmpPath: file })
    assert.equal(sessions.addresses().size, 0)
    writeFileSync(file, utmpRecord({ type: 7, user: 'alice', line: 'pts/0', address: [203, 0, 113, 5] }))
    clock.turn(1001)
    assert.equal(sessions.addresses().size, 1)
  })

  it('learns logins from sshd lines and forgets them after a day', () => {
    const clock = new ManualClock()
    const sessions = new Sessions(clock, { utmpPath: noUtmp })
    sessions.learn(
      'Nov 21 10:00:01 web1 sshd[123]: Accepted publickey for alice from 203.0.113.5 port 50022 ssh2: ED25519 SHA256:abc\n' +
        '2026-11-21T10:00:02.123456+01:00 web1 sshd-session[124]: Accepted password for bob from 2001:db8::9 port 50023 ssh2\r\n',
    )
    assert.deepEqual([...sessions.addresses().keys()], ['203.0.113.5', '2001:db8::9'])
    clock.turn(86_400_001)
    assert.equal(sessions.addresses().size, 0)
  })

  it('is not fooled by the same words in a request path or a user name', () => {
    const sessions = new Sessions(new ManualClock(), { utmpPath: noUtmp })
    sessions.learn(
      '198.51.100.1 - - [21/Nov/2026:10:00:00 +0000] "GET /x sshd[1]: Accepted password for a from 198.51.100.1 port 1 ssh2" 404 0\n' +
        'Nov 21 10:00:01 web1 sshd[123]: Invalid user x]: Accepted password for a from 198.51.100.1 port 1 ssh2 from 198.51.100.1 port 2\n' +
        'Nov 21 10:00:01 web1 sshd[123]: Failed password for invalid user Accepted password for a from 198.51.100.1 port 1 ssh2\n' +
        'Nov 21 10:00:01 web1 app[9]: web1 sshd[1]: Accepted password for a from 198.51.100.1 port 1 ssh2\n',
    )
    assert.equal(sessions.addresses().size, 0)
  })
})
