import type { Database } from './database.js'

/** A login that a log told of. */
export interface StoredLogin {
  address: string
  user: string
  /** Epoch milliseconds until which it protects the address. */
  untilMs: number
}

/** Logins seen in logs, in a table of our own beside Fail2ban's: whoever is logged in must stay protected over a restart. */
export class Logins {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
    database.run(
      'CREATE TABLE IF NOT EXISTS tocsin_logins (address TEXT PRIMARY KEY, user TEXT NOT NULL, until_ms INTEGER NOT NULL)',
    )
  }

  /** Those that still protect, oldest first. */
  current(nowMs: number): StoredLogin[] {
    const rows = this.#database.all(
      'read logins from',
      'SELECT address, user, until_ms FROM tocsin_logins WHERE until_ms > ? ORDER BY until_ms',
      nowMs,
    )
    return rows.map((row) => ({ address: String(row.address), user: String(row.user), untilMs: Number(row.until_ms) }))
  }

  /** Keeps these and forgets what is over, in one transaction. */
  add(logins: readonly StoredLogin[], nowMs: number): void {
    this.#database.transaction(`store ${logins.length} logins in`, () => {
      for (const { address, user, untilMs } of logins) {
        this.#database.run(
          'INSERT OR REPLACE INTO tocsin_logins (address, user, until_ms) VALUES (?, ?, ?)',
          address,
          user,
          untilMs,
        )
      }
      this.#database.run('DELETE FROM tocsin_logins WHERE until_ms <= ?', nowMs)
    })
  }
}
