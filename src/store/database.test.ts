import assert from 'node:assert/strict'
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it, type TestContext } from 'node:test'
import { runChild } from '../lib/child.js'
import { Bans } from './bans.js'
import type { Database } from './database.js'
import { ReadPositions } from './read-positions.js'
import { Connection } from './sqlite.js'
import { askPeer, ban, noPeer, nowMs, StoreKit } from './store-kit.js'

let kit: StoreKit

beforeEach(() => {
  kit = new StoreKit()
})
afterEach(() => kit.end())

const aside = '20261121-013000'
const isUsable = (database: Database) => {
  new Bans(database).add([ban('a')])
  return new Bans(database).current('sshd', nowMs).length === 1
}

/** Tables, columns with their types and keys, unique constraints, indexes and foreign keys, independent of how the SQL is written. */
function schemaOf(database: Database): unknown {
  const all = (sql: string) => database.all('read', sql).map((row) => ({ ...row }))
  const tables = all("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
  return tables.map(({ name }) => ({
    name,
    columns: all(`SELECT name, type, "notnull", upper(dflt_value), pk FROM pragma_table_info('${name}') ORDER BY name`),
    indexes: all(
      `SELECT i.name, i."unique", i.origin, (SELECT group_concat(c.name) FROM pragma_index_info(i.name) c) AS columns
        FROM pragma_index_list('${name}') i ORDER BY i.name`,
    ),
    keys: all(`SELECT "table", "from", "to", on_delete FROM pragma_foreign_key_list('${name}')`),
  }))
}

describe('openDatabase', () => {
  it('makes a private file, and its directory', () => {
    const path = join(kit.directory, 'a/b/fail2ban.sqlite3')
    assert(isUsable(kit.open(path)))
    assert.deepEqual([statSync(path).mode & 0o777, statSync(`${path}-wal`).mode & 0o777], [0o600, 0o600])
    assert(kit.logged.includes("WARNING New database created. Version '4'"))
  })

  it('makes what the installed Fail2ban makes', { skip: noPeer ?? false }, async () => {
    const theirs = join(kit.directory, 'theirs.sqlite3')
    await askPeer('Fail2BanDb(sys.argv[1]).close()\nprint("null")', theirs)
    const connection = kit.open(theirs)
    assert.deepEqual(kit.logged, [`INFO Connected to fail2ban persistent database '${theirs}'`])
    assert.deepEqual(schemaOf(kit.open()), schemaOf(connection))
  })

  it('refuses a file of a newer Fail2ban and leaves it alone', () => {
    kit.close(kit.open())
    const connection = new Connection(kit.file, 50)
    connection.exec('UPDATE fail2banDb SET version = 5')
    connection.close()
    assert.throws(() => kit.open(), { name: 'StoreError', code: 'NEWER_VERSION', message: /version 5.*later Fail2ban/ })
    assert.deepEqual(readdirSync(kit.directory), ['fail2ban.sqlite3'])
  })

  it('sets a file aside that is no database, and begins a new one', () => {
    const rubbish = 'this is no database\n'.repeat(1000)
    writeFileSync(kit.file, rubbish)
    assert(isUsable(kit.open()))
    assert.equal(readFileSync(`${kit.file}.${aside}`, 'utf8'), rubbish)
    assert.match(
      kit.logged.join('\n'),
      /^ERROR Cannot open .*not a database.*it is kept as .*\.20261121-013000, and a new/m,
    )
  })

  it('sets a damaged database aside, under another name each time', () => {
    for (const name of [aside, `${aside}.1`]) {
      const database = kit.open()
      new Bans(database).add(Array.from({ length: 2000 }, (_, i) => ban(`id ${i}`)))
      kit.close(database)
      const fd = openSync(kit.file, 'r+')
      for (let page = 20; page < 60; page++) writeSync(fd, Buffer.alloc(4096, 0xa5), 0, 4096, page * 4096)
      closeSync(fd)
      const begun = kit.open()
      assert(isUsable(begun))
      kit.close(begun)
      rmSync(kit.file)
      assert(statSync(`${kit.file}.${name}`).size > 60 * 4096)
    }
  })

  it('says what is wrong with a path that cannot be', () => {
    writeFileSync(join(kit.directory, 'file'), '')
    assert.throws(() => kit.open(join(kit.directory, 'file/x.sqlite3')), {
      name: 'StoreError',
      message: /^Cannot open .*file\/x/,
    })
    mkdirSync(join(kit.directory, 'directory'))
    assert.throws(() => kit.open(join(kit.directory, 'directory')), { name: 'StoreError' })
  })

  it('leaves a device alone', { skip: process.getuid?.() === 0 ? false : 'needs root for mknod' }, async () => {
    const device = join(kit.directory, 'null')
    // As /dev/null is: major 1, minor 3.
    const { exitCode, stderr } = await runChild(['mknod', '--mode=666', device, 'c', '1', '3'], { timeoutMs: 5000 })
    assert.equal(exitCode, 0, stderr)
    assert.throws(() => kit.open(device), { name: 'StoreError', message: /null: it is no regular file; name another/ })
    assert(statSync(device).isCharacterDevice())
    assert.equal(statSync(device).mode & 0o777, 0o666)
  })

  it('lives in memory when told to', () => {
    assert(isUsable(kit.open(':memory:')))
  })
})

describe('a file of an older Fail2ban', () => {
  function older(version: number): void {
    const connection = new Connection(kit.file, 50)
    const unique = version < 2 ? '' : ', UNIQUE (jail, path)'
    connection.exec(`
      CREATE TABLE fail2banDb (version INTEGER);
      INSERT INTO fail2banDb VALUES (${version});
      CREATE TABLE jails (name TEXT NOT NULL UNIQUE, enabled INTEGER NOT NULL DEFAULT 1);
      INSERT INTO jails VALUES ('sshd', 1);
      CREATE TABLE logs (jail TEXT NOT NULL, path TEXT, firstlinemd5 TEXT, lastfilepos INTEGER DEFAULT 0 ${unique});
      CREATE INDEX logs_path ON logs (path);
      INSERT INTO logs VALUES ('sshd', '/var/log/auth.log', 'abc', 42);
      CREATE TABLE bans (jail TEXT NOT NULL, ip TEXT, timeofban INTEGER NOT NULL, data JSON
        ${version < 3 ? '' : ', bantime INTEGER NOT NULL, bancount INTEGER NOT NULL DEFAULT 1'});
      CREATE INDEX bans_ip ON bans (ip);
      INSERT INTO bans (jail, ip, timeofban, data ${version < 3 ? '' : ', bantime'})
        VALUES ('sshd', '192.0.2.1', ${nowMs / 1000}, '{"failures": 7}' ${version < 3 ? '' : ', 900'}),
        ('not there', '192.0.2.2', ${nowMs / 1000}, '{}' ${version < 3 ? '' : ', 900'})`)
    connection.close()
  }

  for (const version of [1, 2, 3]) {
    it(`is brought up from version ${version}, with a copy of it kept`, () => {
      older(version)
      const database = kit.open()
      assert(kit.logged.includes(`WARNING Database updated from '${version}' to '4'`))
      const [back] = new Bans(database).current('sshd', nowMs, { unknownDurationMs: 900_000, details: true })
      assert.deepEqual([back?.id, back?.startMs, back?.durationMs, back?.failures], ['192.0.2.1', nowMs, 900_000, 7])
      assert.deepEqual(new ReadPositions(database).get('sshd', '/var/log/auth.log'), {
        firstLineSha1: 'abc',
        offset: 42,
      })
      const kept = new Connection(`${kit.file}.${aside}`, 50)
      assert.equal(kept.all('SELECT version FROM fail2banDb')[0]?.version, version)
      kept.close()
      const fresh = kit.open(join(kit.directory, 'fresh.sqlite3'))
      const changed = version === 3 ? ['bips'] : version === 2 ? ['bans', 'bips'] : ['bans', 'bips', 'logs']
      const part = (of: Database) =>
        JSON.stringify((schemaOf(of) as { name: string }[]).filter(({ name }) => changed.includes(name)))
      assert.equal(part(database), part(fresh))
    })
  }

  const samples = '/usr/lib/python3/dist-packages/fail2ban/tests/files'
  const noSamples = readsOrUndefined(`${samples}/database_v1.db`)
    ? undefined
    : 'needs the sample files of the fail2ban package'
  for (const name of ['database_v1.db', 'database_v2.db']) {
    it(`is brought up as the installed Fail2ban does it: ${name}`, { skip: noSamples ?? noPeer ?? false }, async () => {
      const bytes = readFileSync(`${samples}/${name}`)
      const theirs = join(kit.directory, 'theirs.sqlite3')
      writeFileSync(theirs, bytes)
      writeFileSync(kit.file, bytes)
      await askPeer('Fail2BanDb(sys.argv[1]).close()\nprint("null")', theirs)
      const rows = (database: Database) =>
        ['fail2banDb', 'jails', 'logs', 'bans', 'bips'].map((table) => database.all('read', `SELECT * FROM ${table}`))
      assert.deepEqual(rows(kit.open()), rows(kit.open(theirs)))
    })
  }
})

describe('a store in trouble', () => {
  it('says that another program holds the file, and goes on when it is free', () => {
    const database = kit.open()
    const other = new Connection(kit.file, 50)
    other.exec('BEGIN EXCLUSIVE')
    const bans = new Bans(database)
    const busy = {
      name: 'StoreError',
      code: 'SQLITE_BUSY',
      file: kit.file,
      message: /^Cannot store 1 bans in .*locked.*another program/,
    }
    assert.throws(() => bans.add([ban('a')]), busy)
    other.exec('COMMIT')
    other.close()
    bans.add([ban('a')])
    assert.equal(bans.current('sshd', nowMs).length, 1)
  })

  it('says that the disk is full, keeps what it has, and goes on when there is room', async (t) => {
    const mount = await runChild(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', kit.directory], {
      timeoutMs: 10_000,
    })
    if (mount.exitCode !== 0) return skip(t, 'needs the right to mount a tmpfs')
    try {
      const filler = join(kit.directory, 'filler')
      const database = kit.open()
      const bans = new Bans(database)
      bans.add([ban('first')])
      fill(filler)
      const many = Array.from({ length: 2000 }, (_, i) => ban(`id ${i}`))
      assert.throws(() => bans.add(many), { name: 'StoreError', code: 'SQLITE_FULL', message: /free some space/ })
      assert.deepEqual(
        bans.current('sshd', nowMs).map(({ id }) => id),
        ['first'],
      )
      rmSync(filler)
      bans.add([ban('second')])
      assert.equal(bans.current('sshd', nowMs).length, 2)
      kit.close(database)
    } finally {
      await runChild(['umount', '-l', kit.directory], { timeoutMs: 10_000 })
    }
  })

  it('says that the file system is read-only', async (t) => {
    kit.close(kit.open())
    const readOnly = join(kit.directory, 'ro')
    mkdirSync(readOnly)
    const mount = await runChild(['mount', '--bind', kit.directory, readOnly], { timeoutMs: 10_000 })
    if (mount.exitCode !== 0) return skip(t, 'needs the right to mount')
    try {
      await runChild(['mount', '-o', 'remount,bind,ro', readOnly], { timeoutMs: 10_000 })
      const path = join(readOnly, 'fail2ban.sqlite3')
      assert.throws(() => kit.open(path), { name: 'StoreError', message: /^Cannot open .*read-only/ })
    } finally {
      await runChild(['umount', '-l', readOnly], { timeoutMs: 10_000 })
    }
  })
})

/** `afterEach` is left out for a test that is skipped from within. */
function skip(t: TestContext, reason: string): void {
  kit.end()
  t.skip(reason)
}

function readsOrUndefined(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}

/** Takes all the room that is left. */
function fill(path: string): void {
  const fd = openSync(path, 'w')
  try {
    for (;;) writeSync(fd, Buffer.alloc(4096))
  } catch {
    closeSync(fd) // Full, as intended.
  }
}
