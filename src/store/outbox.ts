import type { Database } from './database.js'

/** A message that is yet to be told to others. */
export interface OutboxRow {
  /** From 1, growing by one; a number is never used again, also not after a restart. */
  seq: number
  text: string
}

/** Full: the oldest go. What they said of bans in force is in the node's next snapshot; of others, nobody needs it. */
const rowsMax = 500_000

/**
 * What is to be told, in a table of our own beside Fail2ban's (which leaves it alone). Numbers are SQLite's own `AUTOINCREMENT`, so
 * they go on over restarts and emptied tables. Throws `StoreError`.
 */
export class Outbox {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
    database.transaction('make the outbox in', () =>
      database.run(
        'CREATE TABLE IF NOT EXISTS tocsin_outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL)',
      ),
    )
  }

  /** Durable when it returns. The number of the last. */
  add(texts: readonly string[]): number {
    return this.#database.transaction(`put ${texts.length} messages into the outbox in`, () => this.addWithin(texts))
  }

  /** The same as a part of a transaction of the caller. */
  addWithin(texts: readonly string[]): number {
    for (const text of texts) this.#database.run('INSERT INTO tocsin_outbox (text) VALUES (?)', text)
    const last = this.lastSeq
    this.#database.run('DELETE FROM tocsin_outbox WHERE seq <= ?', last - rowsMax)
    return last
  }

  /** The oldest above `afterSeq`, in order. */
  pending(afterSeq: number, rowsLimit: number): OutboxRow[] {
    const sql = 'SELECT seq, text FROM tocsin_outbox WHERE seq > ? ORDER BY seq LIMIT ?'
    return this.#database
      .all('read the outbox in', sql, afterSeq, rowsLimit)
      .map(({ seq, text }) => ({ seq: Number(seq), text: String(text) }))
  }

  /** They have been told. Should a power cut bring them back, they are told once more, which has no effect. */
  remove(ranges: readonly { from: number; to: number }[]): void {
    if (ranges.length === 0) return
    const work = () => {
      for (const { from, to } of ranges)
        this.#database.run('DELETE FROM tocsin_outbox WHERE seq BETWEEN ? AND ?', from, to)
    }
    this.#database.transaction('empty the outbox in', work, { isLazy: true })
  }

  /** Number of the last that was ever put in; 0: none. */
  get lastSeq(): number {
    const [row] = this.#database.all(
      'look into the outbox in',
      "SELECT seq FROM sqlite_sequence WHERE name = 'tocsin_outbox'",
    )
    return Number(row?.seq ?? 0)
  }

  /** Every one up to this has been told, and removed. */
  get toldSeq(): number {
    const [row] = this.#database.all('look into the outbox in', 'SELECT min(seq) AS first FROM tocsin_outbox')
    return typeof row?.first === 'number' ? row.first - 1 : this.lastSeq
  }

  /** The next number is greater than this: others have heard it from us already, and this file is an older copy. */
  raiseTo(seq: number): void {
    if (seq <= this.lastSeq) return
    this.#database.transaction('raise the numbers of the outbox in', () => {
      const raised = this.#database.run("UPDATE sqlite_sequence SET seq = ? WHERE name = 'tocsin_outbox'", seq)
      if (raised === 0) this.#database.run("INSERT INTO sqlite_sequence (name, seq) VALUES ('tocsin_outbox', ?)", seq)
    })
  }
}
