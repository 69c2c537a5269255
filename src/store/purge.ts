import type { Clock } from '../lib/clock.js'
import type { Database } from './database.js'

export interface PurgeOptions {
  database: Database
  /** Missing: everything is done at once. */
  clock: Clock | undefined
  /** Rows have gone. */
  onPurged(): void
}

/** Rows in one transaction; some milliseconds. */
const rowsMax = 1000
/** Between two of them: whoever waits comes first. */
const pauseMs = 20
/** Pages of 4 KiB given back to the file system after each. */
const pagesMax = 500

/** Deletes what is old, a part at a time, so that nothing else waits for it. */
export class Purge {
  readonly #options: PurgeOptions
  #cancel: (() => void) | undefined

  constructor(options: PurgeOptions) {
    this.#options = options
  }

  /** `before`: epoch seconds. Throws when the first part cannot be done; a later part that fails ends it, until the next time. */
  begin(before: number): void {
    this.close()
    const { clock } = this.#options
    if (clock !== undefined) {
      if (this.#part(before)) this.#goOn(before, clock)
      return
    }
    while (this.#part(before));
  }

  close(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #goOn(before: number, clock: Clock): void {
    this.#cancel = clock.after(pauseMs, () => {
      this.#cancel = undefined
      try {
        if (this.#part(before)) this.#goOn(before, clock)
      } catch {
        // The disk is full, or another program writes: whoever purges next begins with the same rows, and is told if it cannot.
      }
    })
  }

  /** Whether there is more to do. */
  #part(before: number): boolean {
    const { database, onPurged } = this.#options
    const deleted = database.transaction('purge', () => {
      const bans = database.run(
        `DELETE FROM bans WHERE rowid IN (SELECT rowid FROM bans WHERE timeofban < ? LIMIT ${rowsMax})`,
        before,
      )
      const records = database.run(
        `DELETE FROM bips WHERE rowid IN (SELECT rowid FROM bips
          WHERE timeofban < ? AND bantime <> -1 AND timeofban + bantime * 3 < ? LIMIT ${rowsMax})`,
        before,
        before,
      )
      if (bans + records === 0) {
        database.run(
          `DELETE FROM jails WHERE enabled = 0
            AND name NOT IN (SELECT jail FROM bans) AND name NOT IN (SELECT jail FROM bips)`,
        )
      }
      return bans + records
    })
    if (deleted > 0) onPurged()
    return database.giveBack(pagesMax) || deleted > 0
  }
}
