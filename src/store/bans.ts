import type { Ban } from '../domain/ban.js'
import type { BanStore } from '../domain/ban-store.js'
import type { Clock } from '../lib/clock.js'
import { encodeBanData } from './ban-data.js'
import { banOf, durationMsDefault, secondsOf } from './ban-row.js'
import { CurrentBans, type CurrentOptions } from './current-bans.js'
import type { Database } from './database.js'
import type { Outbox } from './outbox.js'
import { Purge } from './purge.js'
import { type BanRecord, RecordCache } from './record-cache.js'

export interface BansOptions {
  /** Lines kept with a ban from now on, and shown of somebody's history: `dbmaxmatches`. */
  matchesMax?: () => number
  /** For work that is done in parts. */
  clock?: Clock
  /** Where what is to be told goes. */
  outbox?: Outbox
}

/** What others are to be told of it: texts for the outbox, kept in the same transaction. */
export interface TellOptions {
  tell?: readonly string[]
}

/** What is on record of an id in all its bans together. */
export interface MergedHistory {
  /** The newest, oldest first; at most `dbmaxmatches`. Hostile text. */
  lines: string[]
  failures: number
}

const historyMax = 100
/** Bans read at once. */
const sliceSize = 4000

/**
 * Bans in Fail2ban's tables: `bans` has every one, `bips` the last of each id in each jail (what is in force). Whole seconds
 * there, rounded; the exact milliseconds go into `data` (ban-data.ts), so no table of our own can disagree with Fail2ban's
 * after it has written to the file. Calls throw `StoreError`.
 */
export class Bans implements BanStore {
  readonly #database: Database
  readonly #matchesMax: () => number
  readonly #current: CurrentBans
  readonly #records: RecordCache
  readonly #purge: Purge
  readonly #outbox: Outbox | undefined

  constructor(database: Database, options: BansOptions = {}) {
    this.#database = database
    this.#matchesMax = options.matchesMax ?? (() => 10)
    this.#current = new CurrentBans(database)
    this.#records = new RecordCache(database)
    this.#outbox = options.outbox
    this.#purge = new Purge({ database, clock: options.clock, onPurged: () => this.#records.clear() })
  }

  add(bans: readonly Ban[], { tell = [], isElsewhere = false }: TellOptions & { isElsewhere?: boolean } = {}): void {
    if (bans.length === 0) return
    const work = () => {
      for (const jail of new Set(bans.map((ban) => ban.jail))) this.#enter(jail)
      const [last] = this.#database.all('look into', 'SELECT max(rowid) AS id FROM bans')
      for (const ban of bans) this.#insert(ban)
      // Copied inside SQLite: binding the same values a second time costs a third of the rate.
      this.#database.run(
        `INSERT OR REPLACE INTO bips (ip, jail, timeofban, bantime, bancount, data)
          SELECT ip, jail, timeofban, bantime, bancount, data FROM bans WHERE rowid > ? ORDER BY rowid`,
        Number(last?.id ?? 0),
      )
      this.#tell(tell)
    }
    this.#database.transaction(`store ${bans.length} bans in`, work, { isLazy: isElsewhere && tell.length === 0 })
    for (const ban of bans) this.#records.forget(ban)
  }

  remove(bans: readonly Pick<Ban, 'jail' | 'id'>[], { tell = [] }: TellOptions = {}): void {
    if (bans.length === 0) return
    this.#database.transaction(`remove ${bans.length} bans from`, () => {
      for (const { jail, id } of bans) {
        this.#database.run('DELETE FROM bips WHERE ip = ? AND jail = ?', id, jail)
        this.#database.run('DELETE FROM bans WHERE jail = ? AND ip = ?', jail, id)
      }
      this.#tell(tell)
    })
    for (const ban of bans) this.#records.forget(ban)
  }

  /** Forgets all bans of the jails, in one transaction. */
  removeAll(jails: string | readonly string[], { tell = [] }: TellOptions = {}): void {
    this.#database.transaction(`remove the bans of ${[jails].flat().join(', ')} from`, () => {
      for (const jail of [jails].flat()) {
        this.#database.run('DELETE FROM bips WHERE jail = ?', jail)
        this.#database.run('DELETE FROM bans WHERE jail = ?', jail)
      }
      this.#tell(tell)
    })
    this.#records.clear()
  }

  /** Running bans of the jail that last `fromMs` last `toMs` from now on; undefined: for ever. */
  retime(jail: string, times: { fromMs: number | undefined; toMs: number | undefined; nowMs: number }): void {
    const [from, to] = [secondsOf(times.fromMs), secondsOf(times.toMs)]
    this.#database.transaction(`change the ban times of ${jail} in`, () => {
      for (const table of ['bips', 'bans']) {
        this.#database.run(
          `UPDATE ${table} SET bantime = ? WHERE jail = ? AND bantime = ? AND (bantime = -1 OR timeofban + bantime >= ?)`,
          to,
          jail,
          from,
          Math.floor(times.nowMs / 1000),
        )
      }
    })
  }

  /** Of whose word it was, only an operator's is kept: the others are `restored`. */
  current(jail: string, nowMs: number, options: CurrentOptions = {}): Ban[] {
    return [...this.currentInSlices(jail, nowMs, options)].flat()
  }

  /** The same, some at a time: a million bans must not stand in memory at once. Bans that are added meanwhile may be missing. */
  currentInSlices(jail: string, nowMs: number, options: CurrentOptions = {}): Iterable<Ban[]> {
    return this.#current.inSlices(jail, nowMs, options)
  }

  /** How many the jail has, those included that may have ended since; without reading them. */
  count(jail: string): number {
    return this.#current.count(jail)
  }

  history(id: string): Ban[] {
    const rows = this.#database.all(
      `read the bans of ${id} from`,
      `SELECT jail, ip, timeofban, bantime, bancount, data FROM bans WHERE ip = ? ORDER BY timeofban DESC, rowid DESC LIMIT ${historyMax}`,
      id,
    )
    return rows.map((row) => banOf(row, durationMsDefault))
  }

  /** The last ban of this id in this jail, with all that led to it. */
  lastOf(jail: string, id: string): Ban | undefined {
    const [row] = this.#database.all(
      `read the last ban of ${id} from`,
      `SELECT jail, ip, timeofban, bantime, bancount, data FROM bans WHERE jail = ? AND ip = ?
        ORDER BY timeofban DESC, rowid DESC LIMIT 1`,
      jail,
      id,
    )
    return row && banOf(row, durationMsDefault)
  }

  /** For the tags `<ipmatches>` and `<ipjailmatches>`: of all jails, or of one. Looks at the last hundred bans. */
  historyLines(id: string, jail?: string): MergedHistory {
    const linesMax = this.#matchesMax()
    const bans = this.history(id).filter((ban) => jail === undefined || ban.jail === jail)
    const lines = bans.reverse().flatMap((ban) => ban.lines)
    return {
      lines: linesMax === 0 ? [] : lines.slice(-linesMax),
      failures: bans.reduce((sum, ban) => sum + ban.failures, 0),
    }
  }

  /** Bans that began at this time or later, oldest first, some thousands at a time; without details. */
  *since(startMs: number): Iterable<Ban[]> {
    let after = { time: Math.floor(startMs / 1000), place: Number.MIN_SAFE_INTEGER }
    for (;;) {
      const rows = this.#database.all(
        'read the last bans from',
        `SELECT rowid AS place, jail, ip, timeofban, bantime, bancount, data FROM bans
          WHERE (timeofban, rowid) > (?, ?) ORDER BY timeofban, rowid LIMIT ${sliceSize}`,
        after.time,
        after.place,
      )
      const bans = rows.map((row) => ({ ...banOf(row, durationMsDefault), lines: [] }))
      yield bans.filter((ban) => ban.id !== '' && ban.startMs >= startMs)
      const last = rows.at(-1)
      if (last === undefined || rows.length < sliceSize) return
      after = { time: Number(last.timeofban), place: Number(last.place) }
    }
  }

  /** How often the id was banned, and when last; undefined jail: in all together. Kept in memory; when it cannot be read: undefined. */
  recordOf(id: string, jail: string | undefined): BanRecord | undefined {
    return this.#records.recordOf(id, jail)
  }

  /**
   * Forgets bans from before `nowMs - ageMs` that count no more, and disabled jails without any (spec section 8, "purge"). Begins at once;
   * what is more than a thousand rows goes on by itself, in parts of some milliseconds.
   */
  purge(nowMs: number, ageMs: number): void {
    this.#purge.begin(Math.floor((nowMs - ageMs) / 1000))
  }

  /** No part of a purge is done after this. */
  close(): void {
    this.#purge.close()
  }

  addJail(name: string): void {
    this.#database.transaction(`add jail ${name} to`, () => {
      this.#enter(name)
      this.#database.run('UPDATE jails SET enabled = 1 WHERE name = ? AND enabled <> 1', name)
    })
  }

  disableJail(name: string): void {
    this.#database.transaction(`disable jail ${name} in`, () => {
      this.#database.run('UPDATE jails SET enabled = 0 WHERE name = ?', name)
    })
  }

  /** At the start, before the jails of the configuration are added. */
  disableAllJails(): void {
    this.#database.transaction('disable the jails in', () => {
      this.#database.run('UPDATE jails SET enabled = 0')
    })
  }

  #enter(jail: string): void {
    this.#database.run('INSERT OR IGNORE INTO jails (name, enabled) VALUES (?, 1)', jail)
  }

  #tell(texts: readonly string[]): void {
    if (texts.length > 0) this.#outbox?.addWithin(texts)
  }

  #insert(ban: Ban): void {
    this.#database.run(
      'INSERT INTO bans (jail, ip, timeofban, bantime, bancount, data) VALUES (?, ?, ?, ?, ?, ?)',
      ban.jail,
      ban.id,
      Math.round(ban.startMs / 1000),
      secondsOf(ban.durationMs),
      ban.count,
      encodeBanData(ban, this.#matchesMax()),
    )
  }
}
