import type { Clock } from '../lib/clock.js'
import type { Database } from './database.js'

export interface PurgeOptions {
  database: Database
  /** Missing: everything is done at once. */
  clock: Clock | undefined
  /** Rows have gone. */
  onPurged(): void
}

/** Rows looked at in one transaction: some milliseconds. */
const rowsMax = 400
/** Between two of them: whoever waits comes first. */
const pauseMs = 10
/** Pages of 4 KiB given back to the file system after each. */
const pagesMax = 200

/** Deletes what is old, a part at a time, so that nothing else waits for it: bans, then records, then jails, then free pages. */
export class Purge {
  readonly #options: PurgeOptions
  #cancel: (() => void) | undefined

  constructor(options: PurgeOptions) {
    this.#options = options
  }

  /** `before`: epoch seconds. Throws when the first part cannot be done; a later part that fails ends it, until the next time. */
  begin(before: number): void {
    this.close()
    const parts = this.#parts(before)
    const { clock } = this.#options
    if (clock === undefined) for (const _ of parts);
    else if (!parts.next().done) this.#goOn(parts, clock)
  }

  close(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }

  #goOn(parts: Iterator<void>, clock: Clock): void {
    this.#cancel = clock.after(pauseMs, () => {
      this.#cancel = undefined
      try {
        if (!parts.next().done) this.#goOn(parts, clock)
      } catch {
        // The disk is full, or another program writes: whoever purges next begins anew, and is told if it cannot.
      }
    })
  }

  *#parts(before: number): IterableIterator<void> {
    const { database } = this.#options
    while (this.#deleteBans(before) === rowsMax) yield
    for (let from: Place | undefined = { time: 0, row: 0 }; from !== undefined; yield) {
      const to = this.#nextPlace(from, before)
      this.#deleteRecords(from, to ?? { time: before, row: 0 }, before)
      from = to
    }
    this.#deleteJails()
    while (database.giveBack(pagesMax)) yield
  }

  /** How many there were. By jail, for which there is an index. */
  #deleteBans(before: number): number {
    const { database } = this.#options
    return database.transaction('purge', () =>
      database.run(
        `DELETE FROM bans WHERE rowid IN
          (SELECT rowid FROM bans WHERE jail IN (SELECT name FROM jails) AND timeofban < ? LIMIT ${rowsMax})`,
        before,
      ),
    )
  }

  /** So many old records further; undefined: there are fewer. Those that still count stay, and are looked at once only. */
  #nextPlace({ time, row }: Place, before: number): Place | undefined {
    const [found] = this.#options.database.all(
      'purge',
      `SELECT timeofban, rowid AS row FROM bips WHERE (timeofban, rowid) > (?, ?) AND timeofban < ?
        ORDER BY timeofban, rowid LIMIT 1 OFFSET ${rowsMax}`,
      time,
      row,
      before,
    )
    return found && { time: Number(found.timeofban), row: Number(found.row) }
  }

  #deleteRecords(from: Place, to: Place, before: number): void {
    const { database, onPurged } = this.#options
    const deleted = database.transaction('purge', () =>
      database.run(
        `DELETE FROM bips WHERE (timeofban, rowid) > (?, ?) AND (timeofban, rowid) <= (?, ?)
          AND timeofban < ? AND bantime <> -1 AND timeofban + bantime * 3 < ?`,
        from.time,
        from.row,
        to.time,
        to.row,
        before,
        before,
      ),
    )
    if (deleted > 0) onPurged()
  }

  #deleteJails(): void {
    const { database } = this.#options
    database.transaction('purge', () =>
      database.run(
        `DELETE FROM jails WHERE enabled = 0 AND NOT EXISTS (SELECT 1 FROM bans WHERE jail = name)
          AND NOT EXISTS (SELECT 1 FROM bips WHERE jail = name)`,
      ),
    )
  }
}

/** In the order of the index on `bips.timeofban`. */
interface Place {
  time: number
  row: number
}
