import { createRequire } from 'node:module'
import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite'

export type Value = string | number | null | Uint8Array
export type Row = Record<string, unknown>

/** One connection to a SQLite file. What throws is an error of the binding: `errcode` has SQLite's extended result code. */
export class Connection {
  readonly #database: DatabaseSyncInstance
  readonly #statements = new Map<string, StatementSyncInstance>()

  /** Foreign keys are on. `busyTimeoutMs`: how long a call may wait, blocking everything, for another program's lock. */
  constructor(path: string, busyTimeoutMs: number) {
    const Database = databaseClass()
    this.#database = new Database(path, { timeout: busyTimeoutMs, enableForeignKeyConstraints: true })
  }

  get isTransaction(): boolean {
    return this.#database.isTransaction
  }

  /** Runs statements that give no rows. */
  exec(sql: string): void {
    this.#database.exec(sql)
  }

  /** Number of rows that were changed. */
  run(sql: string, ...values: Value[]): number {
    return Number(this.#statement(sql).run(...values).changes)
  }

  all(sql: string, ...values: Value[]): Row[] {
    return this.#statement(sql).all(...values)
  }

  /** Leaves one file without a write-ahead log beside it, which can be copied, and opened by Fail2ban. */
  close(): void {
    // NOTE: the package cannot finalise a statement, so SQLite itself holds the file until they are collected, and would leave the
    // log there; leaving the mode removes it. It cannot while another program reads, or when the file is damaged: then it stays.
    try {
      this.#database.exec('PRAGMA journal_mode = DELETE')
    } catch {}
    this.#statements.clear()
    this.#database.close()
  }

  /** The few statements of this room are prepared once each. */
  #statement(sql: string): StatementSyncInstance {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = this.#database.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }
}

type DatabaseClass = new (
  path: string,
  options: { timeout: number; enableForeignKeyConstraints: boolean },
) => DatabaseSyncInstance

/**
 * Node's own SQLite where that is free of warnings (24 and later), else the package of the same interface. Chosen at run time:
 * Node 20 has no `node:sqlite`, and with it the package need not be loaded (20 MB).
 */
function databaseClass(): DatabaseClass {
  const isBuiltIn = Number.parseInt(process.versions.node, 10) >= 24
  const load = createRequire(import.meta.url)
  return load(isBuiltIn ? 'node:sqlite' : '@photostructure/sqlite').DatabaseSync
}
