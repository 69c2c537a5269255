import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fchmodSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from '../lib/clock.js'
import type { Log } from '../lib/log.js'
import { migrate, schemaVersion, versionOf } from './migrations.js'
import { Connection, type Row, type Value } from './sqlite.js'
import { StoreError, storeError } from './store-error.js'

export interface DatabaseOptions {
  /** `:memory:` for one that is gone at the end. */
  path: string
  clock: Clock
  log: Log
  /** How long a call may wait, blocking everything, for another program's lock. */
  busyTimeoutMs?: number
}

/**
 * Opens or makes the database. A file that is no database, or a damaged one, is set aside, never deleted, and a new one is
 * begun. Throws `StoreError` when the file cannot be used, also when a newer Fail2ban has made it.
 */
export function openDatabase(options: DatabaseOptions): Database {
  const { path, log } = options
  try {
    makePrivateFile(path)
    return new Database(path, opened(options))
  } catch (error) {
    const failure = storeError('open', path, error)
    if (failure.code !== 'SQLITE_NOTADB' && failure.code !== 'SQLITE_CORRUPT') throw failure
    const aside = setAside(options)
    log.write('ERROR', 'database', `${failure.message}; it is kept as ${aside}, and a new database is begun`)
    try {
      makePrivateFile(path)
      return new Database(path, opened(options))
    } catch (again) {
      throw storeError('begin', path, again)
    }
  }
}

/** One SQLite file in Fail2ban's schema. Every call is synchronous; what throws is a `StoreError`. */
export class Database {
  readonly path: string
  readonly #connection: Connection
  #isLazy = false

  /** NOTE: call `openDatabase`. */
  constructor(path: string, connection: Connection) {
    this.path = path
    this.#connection = connection
  }

  /**
   * Runs `work` as one durable transaction: all of it is on the disk when this returns, or nothing of it when it throws. `isLazy`: the
   * system has it then, and the disk with the next durable one at the latest: lost with a power cut, not with us (10 times as quick).
   */
  transaction<T>(tried: string, work: () => T, { isLazy = false } = {}): T {
    try {
      this.#beLazy(isLazy)
      // IMMEDIATE: a lock of another program is met here, where nothing has been done, and not half-way.
      this.#connection.exec('BEGIN IMMEDIATE')
      const result = work()
      this.#connection.exec('COMMIT')
      return result
    } catch (error) {
      this.#rollBack()
      throw storeError(tried, this.path, error)
    }
  }

  /** Number of rows that were changed. */
  run(sql: string, ...values: Value[]): number {
    return this.#connection.run(sql, ...values)
  }

  all(tried: string, sql: string, ...values: Value[]): Row[] {
    try {
      return this.#connection.all(sql, ...values)
    } catch (error) {
      throw storeError(tried, this.path, error)
    }
  }

  /** Gives some free pages back to the file system, where the file allows it; whether there are more. */
  giveBack(pagesMax: number): boolean {
    try {
      if (Number(this.#connection.all('PRAGMA auto_vacuum')[0]?.auto_vacuum) !== incremental) return false
      const free = () => Number(this.#connection.all('PRAGMA freelist_count')[0]?.freelist_count)
      if (free() === 0) return false
      this.#connection.exec(`PRAGMA incremental_vacuum(${pagesMax})`)
      return free() > 0
    } catch (error) {
      throw storeError('shrink', this.path, error)
    }
  }

  close(): void {
    this.#connection.close()
  }

  /** https://www.sqlite.org/pragma.html#pragma_synchronous */
  #beLazy(isLazy: boolean): void {
    if (isLazy === this.#isLazy) return
    this.#connection.exec(`PRAGMA synchronous = ${isLazy ? 'NORMAL' : 'FULL'}`)
    this.#isLazy = isLazy
  }

  #rollBack(): void {
    // SQLite ends the transaction by itself on some errors (disk full, I/O).
    if (this.#connection.isTransaction) this.#connection.exec('ROLLBACK')
  }
}

function opened(options: DatabaseOptions): Connection {
  const { path, log } = options
  const connection = new Connection(path, options.busyTimeoutMs ?? 50)
  try {
    checkDamage(connection, path)
    const version = versionOf(connection)
    if (version !== undefined && version > schemaVersion) throw newerVersion(path, version)
    letShrink(connection, path, version)
    // FULL: in WAL mode a commit is on the disk when it returns. Fail2ban itself goes back to its own mode when it opens the file.
    connection.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY')
    // Addresses come in no order, so each commit of a burst writes pages from all over the file: those are not to be read again each time, and not
    // to be copied from the log into the file after each few hundred bans. By far the largest part of what a ban costs; filled as far as used.
    connection.exec(`PRAGMA cache_size = -${cacheKiB}; PRAGMA wal_autocheckpoint = ${logPages}`)
    // After a large transaction the log is cut to this length again.
    connection.exec(`PRAGMA journal_size_limit = ${logBytesMax}`)
    log.write('INFO', 'database', `Connected to fail2ban persistent database '${path}'`)
    if (version === undefined || version < schemaVersion) upgrade(connection, version, options)
    return connection
  } catch (error) {
    connection.close()
    throw error
  }
}

const logBytesMax = 16 * 1024 * 1024
/** Of 4 KiB each, as SQLite makes them: as many as the log may keep. */
const logPages = 4000
const cacheKiB = 8192
/** `PRAGMA auto_vacuum` */
const incremental = 2
/** An older file is written anew for it up to this size: 20 ms, measured. A larger one keeps the size that it once had, and uses it again. */
const rewrittenBytesMax = 4 * 1024 * 1024

/** A file that can give back pages it does not need any more. That is decided before the first table, or by writing it all anew. */
function letShrink(connection: Connection, path: string, version: number | undefined): void {
  if (Number(connection.all('PRAGMA auto_vacuum')[0]?.auto_vacuum) === incremental) return
  const isSmall = path !== ':memory:' && statSync(path).size <= rewrittenBytesMax
  if (version !== undefined && !isSmall) return
  try {
    connection.exec('PRAGMA auto_vacuum = INCREMENTAL')
    if (version !== undefined) connection.exec('VACUUM')
  } catch {
    // No room, or somebody reads: it works as it is, and the next start tries again.
  }
}

/** Up to this size the whole file is looked through at the start: 0.8 ms a megabyte, measured. A larger one tells by itself. */
const checkedBytesMax = 256 * 1024 * 1024

function checkDamage(connection: Connection, file: string): void {
  if (file === ':memory:' || statSync(file).size > checkedBytesMax) return
  const said = connection.all('PRAGMA quick_check(1)')[0]?.quick_check
  if (said === 'ok') return
  throw new StoreError({ code: 'SQLITE_CORRUPT', file, message: `Cannot open ${file}: it is damaged (${said})` })
}

function upgrade(connection: Connection, version: number | undefined, options: DatabaseOptions): void {
  const { path, log } = options
  if (version !== undefined) {
    connection.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    const backup = stampedName(options)
    copyFileSync(path, backup, constants.COPYFILE_EXCL) // with the mode of the original, 0600
    log.write('INFO', 'database', `Database backup created: ${backup}`)
  }
  migrate(connection, version)
  const told =
    version === undefined
      ? `New database created. Version '${schemaVersion}'`
      : `Database updated from '${version}' to '${schemaVersion}'`
  log.write('WARNING', 'database', told)
}

function newerVersion(file: string, version: number): StoreError {
  const message =
    `Cannot open ${file}: its schema has version ${version}, a later Fail2ban made it, and we know versions up to ${schemaVersion}; ` +
    'name another dbfile in fail2ban.local, or move this one away'
  return new StoreError({ code: 'NEWER_VERSION', file, message })
}

/** Log lines and addresses are nobody's business: mode 0600, as Fail2ban has it. SQLite gives its side files the same. */
function makePrivateFile(path: string): void {
  if (path === ':memory:') return
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  // A device (/dev/null) would lose its mode to us, and, being no database, its name.
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) {
    const message = `Cannot open ${path}: it is no regular file; name another dbfile in fail2ban.local, or None`
    throw new StoreError({ code: 'NO_FILE', file: path, message })
  }
  const fd = openSync(path, 'a', 0o600)
  try {
    fchmodSync(fd, 0o600)
  } finally {
    closeSync(fd)
  }
}

function setAside(options: DatabaseOptions): string {
  const aside = stampedName(options)
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(options.path + suffix)) renameSync(options.path + suffix, aside + suffix)
  }
  return aside
}

/** As Fail2ban names its backups, in UTC: `FILE.20261121-013000`, with a number when there is one already. */
function stampedName({ path, clock }: DatabaseOptions): string {
  const stamp = new Date(clock.now()).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')
  let name = `${path}.${stamp}`
  for (let i = 1; existsSync(name); i++) name = `${path}.${stamp}.${i}`
  return name
}
