import type { Connection } from './sqlite.js'

/** Fail2ban's `fail2banDb.version` that we read and write (spec section 8). */
export const schemaVersion = 4

/** Version of the schema in the file; undefined when there is none yet. */
export function versionOf(connection: Connection): number | undefined {
  if (!hasTable(connection, 'fail2banDb')) return undefined
  const version = connection.all('SELECT version FROM fail2banDb LIMIT 1')[0]?.version
  return typeof version === 'number' ? version : undefined
}

/** Brings the schema from `version` (undefined: nothing there) to ours, in one transaction. */
export function migrate(connection: Connection, version: number | undefined): void {
  // NOTE: inside a transaction this switch does nothing, and dropping a table deletes its rows under the constraints.
  connection.exec('PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE')
  try {
    if (version !== undefined) for (const step of steps) if (version < step.version) step.run(connection)
    for (const statement of Object.values(tables).flat()) connection.exec(statement)
    connection.exec('DELETE FROM fail2banDb')
    connection.run('INSERT INTO fail2banDb (version) VALUES (?)', schemaVersion)
    connection.exec('COMMIT')
  } catch (error) {
    if (connection.isTransaction) connection.exec('ROLLBACK')
    throw error
  } finally {
    connection.exec('PRAGMA foreign_keys = ON')
  }
}

/**
 * Fail2ban's tables: names, column types and keys are what it expects (Python converts columns declared JSON). Tested against
 * the file that the installed Fail2ban makes.
 */
const tables = {
  fail2banDb: ['CREATE TABLE IF NOT EXISTS fail2banDb (version INTEGER)'],
  jails: [
    'CREATE TABLE IF NOT EXISTS jails (name TEXT NOT NULL UNIQUE, enabled INTEGER NOT NULL DEFAULT 1)',
    'CREATE INDEX IF NOT EXISTS jails_name ON jails (name)',
  ],
  logs: [
    `CREATE TABLE IF NOT EXISTS logs (
      jail TEXT NOT NULL REFERENCES jails (name) ON DELETE CASCADE,
      path TEXT,
      firstlinemd5 TEXT,
      lastfilepos INTEGER DEFAULT 0,
      UNIQUE (jail, path),
      UNIQUE (jail, path, firstlinemd5)
    )`,
    'CREATE INDEX IF NOT EXISTS logs_path ON logs (path)',
    'CREATE INDEX IF NOT EXISTS logs_jail_path ON logs (jail, path)',
  ],
  bans: [
    `CREATE TABLE IF NOT EXISTS bans (
      jail TEXT NOT NULL REFERENCES jails (name),
      ip TEXT,
      timeofban INTEGER NOT NULL,
      bantime INTEGER NOT NULL,
      bancount INTEGER NOT NULL DEFAULT 1,
      data JSON
    )`,
    'CREATE INDEX IF NOT EXISTS bans_jail_timeofban_ip ON bans (jail, timeofban)',
    'CREATE INDEX IF NOT EXISTS bans_jail_ip ON bans (jail, ip)',
    'CREATE INDEX IF NOT EXISTS bans_ip ON bans (ip)',
  ],
  bips: [
    `CREATE TABLE IF NOT EXISTS bips (
      ip TEXT NOT NULL,
      jail TEXT NOT NULL REFERENCES jails (name),
      timeofban INTEGER NOT NULL,
      bantime INTEGER NOT NULL,
      bancount INTEGER NOT NULL DEFAULT 1,
      data JSON,
      PRIMARY KEY (ip, jail)
    )`,
    'CREATE INDEX IF NOT EXISTS bips_timeofban ON bips (timeofban)',
    'CREATE INDEX IF NOT EXISTS bips_ip ON bips (ip)',
  ],
} as const

/** What brings a file up to `version`, oldest first. */
const steps: readonly { version: number; run(connection: Connection): void }[] = [
  { version: 2, run: keepOneRowForEachLog },
  { version: 3, run: giveBansTimes },
  { version: 4, run: summariseBans },
]

/** Version 1 could hold several rows of one jail and path; the last one counts. */
function keepOneRowForEachLog(connection: Connection): void {
  rebuild(
    connection,
    'logs',
    'INSERT OR REPLACE INTO logs SELECT jail, path, firstlinemd5, lastfilepos FROM old_logs ORDER BY rowid',
  )
}

/** -2: unknown, the ban time of the jail is meant. */
function giveBansTimes(connection: Connection): void {
  rebuild(connection, 'bans', 'INSERT INTO bans SELECT jail, ip, timeofban, -2, 1, data FROM old_bans ORDER BY rowid')
}

/** `bips`: the last ban of each address in each jail. */
function summariseBans(connection: Connection): void {
  for (const statement of [...tables.jails, ...tables.bans, ...tables.bips]) connection.exec(statement)
  connection.exec('INSERT OR IGNORE INTO jails (name, enabled) SELECT DISTINCT jail, 0 FROM bans')
  connection.exec(`INSERT OR REPLACE INTO bips (ip, jail, timeofban, bantime, bancount, data)
    SELECT ip, jail, timeofban, bantime, bancount, data FROM bans WHERE ip IS NOT NULL ORDER BY timeofban`)
}

function rebuild(connection: Connection, table: 'logs' | 'bans', copy: string): void {
  if (!hasTable(connection, table)) return
  const [create, ...indexes] = tables[table]
  // A renamed table keeps its indexes under their names, so those of the new one come after the drop.
  connection.exec(`ALTER TABLE ${table} RENAME TO old_${table}`)
  connection.exec(create)
  connection.exec(copy)
  connection.exec(`DROP TABLE old_${table}`)
  for (const index of indexes) connection.exec(index)
}

function hasTable(connection: Connection, name: string): boolean {
  return connection.all("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", name).length > 0
}
