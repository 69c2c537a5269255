import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { logFileOf, pathsOf } from './paths.js'

const settings = {
  socket: '/run/f/fail2ban.sock',
  pidfile: '/run/f/fail2ban.pid',
  dbfile: '/var/lib/f/db.sqlite3',
  logtarget: '/var/log/f.log',
  apiSocket: undefined,
}

describe('pathsOf', () => {
  it("puts our socket beside Fail2ban's unless it is named", {
    skip: process.getuid?.() === 0 ? false : 'only root may write to /run',
  }, () => {
    assert.equal(pathsOf(settings).apiSocket, '/run/f/tocsin.sock')
    assert.equal(pathsOf({ ...settings, apiSocket: '/run/x.sock' }).apiSocket, '/run/x.sock')
  })

  it('keeps nothing on disk for a database in memory', () => {
    assert.equal(pathsOf({ ...settings, dbfile: ':memory:' }).database, undefined)
    assert.equal(pathsOf({ ...settings, dbfile: undefined }).database, undefined)
  })

  it('knows files from streams in logtarget, options cut off', () => {
    assert.equal(logFileOf(pathsOf({ ...settings, logtarget: 'SYSLOG[facility=AUTH]' })), undefined)
    assert.equal(pathsOf({ ...settings, logtarget: 'STDOUT[format="%(message)s"]' }).logTarget, 'STDOUT')
  })
})
