import type { ReadPosition } from '../domain/read-position.js'
import type { Database } from './database.js'

export interface StoredPosition {
  jail: string
  path: string
  position: ReadPosition
}

/** How far each jail has read each of its logs: Fail2ban's table `logs` (its column `firstlinemd5` holds a SHA-1, spec section 8). */
export class ReadPositions {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  get(jail: string, path: string): ReadPosition | undefined {
    const [row] = this.#database.all(
      `read the position in ${path} from`,
      'SELECT firstlinemd5, lastfilepos FROM logs WHERE jail = ? AND path = ?',
      jail,
      path,
    )
    if (row === undefined) return undefined
    return { firstLineSha1: String(row.firstlinemd5 ?? ''), offset: Number(row.lastfilepos ?? 0) }
  }

  /** All of them in one transaction. Should a power cut take it, the lines of the last second are read again. */
  set(positions: readonly StoredPosition[]): void {
    if (positions.length === 0) return
    const work = () => {
      for (const { jail, path, position } of positions) {
        this.#database.run('INSERT OR IGNORE INTO jails (name, enabled) VALUES (?, 1)', jail)
        this.#database.run(
          `INSERT INTO logs (jail, path, firstlinemd5, lastfilepos) VALUES (?, ?, ?, ?)
            ON CONFLICT (jail, path) DO UPDATE SET firstlinemd5 = excluded.firstlinemd5, lastfilepos = excluded.lastfilepos`,
          jail,
          path,
          position.firstLineSha1,
          position.offset,
        )
      }
    }
    this.#database.transaction(`store ${positions.length} read positions in`, work, { isLazy: true })
  }
}
