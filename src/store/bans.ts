import { type Ban, endMs } from '../domain/ban.js'
import type { BanStore } from '../domain/ban-store.js'
import { decodeBanData, encodeBanData } from './ban-data.js'
import type { Database } from './database.js'

export interface BansOptions {
  /** Lines kept with a ban: `dbmaxmatches`. */
  matchesMax?: number
}

export interface CurrentOptions {
  /** With the lines that led to each ban: twice the time, and memory for them. `history` has them anyway. */
  lines?: boolean
  /** For bans of an old file that does not know how long they last: the jail's ban time. */
  unknownDurationMs?: number
}

/** `bantime` of a permanent ban. */
const permanent = -1
/** `bantime` of a ban from a version 2 file. */
const unknown = -2
/** Fail2ban's own `bantime` where nothing else is said. */
const durationMsDefault = 600_000
const historyMax = 100

/**
 * Bans in Fail2ban's tables: `bans` has every one, `bips` the last of each id in each jail (what is in force). Whole seconds
 * there, rounded; the exact milliseconds go into `data` (ban-data.ts), so no table of our own can disagree with Fail2ban's
 * after it has written to the file. Calls throw `StoreError`.
 */
export class Bans implements BanStore {
  readonly #database: Database
  readonly #matchesMax: number

  constructor(database: Database, options: BansOptions = {}) {
    this.#database = database
    this.#matchesMax = options.matchesMax ?? 10
  }

  add(bans: readonly Ban[]): void {
    if (bans.length === 0) return
    this.#database.transaction(`store ${bans.length} bans in`, () => {
      for (const jail of new Set(bans.map((ban) => ban.jail))) this.#enter(jail)
      const [last] = this.#database.all('look into', 'SELECT max(rowid) AS id FROM bans')
      for (const ban of bans) this.#insert(ban)
      // Copied inside SQLite: binding the same values a second time costs a third of the rate.
      this.#database.run(
        `INSERT OR REPLACE INTO bips (ip, jail, timeofban, bantime, bancount, data)
          SELECT ip, jail, timeofban, bantime, bancount, data FROM bans WHERE rowid > ? ORDER BY rowid`,
        Number(last?.id ?? 0),
      )
    })
  }

  remove(bans: readonly Pick<Ban, 'jail' | 'id'>[]): void {
    if (bans.length === 0) return
    this.#database.transaction(`remove ${bans.length} bans from`, () => {
      for (const { jail, id } of bans) {
        this.#database.run('DELETE FROM bips WHERE ip = ? AND jail = ?', id, jail)
        this.#database.run('DELETE FROM bans WHERE jail = ? AND ip = ?', jail, id)
      }
    })
  }

  /** Forgets all bans of the jail. */
  removeAll(jail: string): void {
    this.#database.transaction(`remove the bans of ${jail} from`, () => {
      this.#database.run('DELETE FROM bips WHERE jail = ?', jail)
      this.#database.run('DELETE FROM bans WHERE jail = ?', jail)
    })
  }

  /** Without their lines unless asked for; of whose word it was, only an operator's is kept: the others are `restored`. */
  current(jail: string, nowMs: number, options: CurrentOptions = {}): Ban[] {
    const durationMs = options.unknownDurationMs ?? durationMsDefault
    // Measured on 100,000 bans with 5 lines each: 1.3 s with their lines, 0.5 s without.
    const data = options.lines
      ? 'data'
      : `CASE WHEN json_valid(CAST(data AS TEXT)) THEN json_remove(CAST(data AS TEXT), '$.matches') END AS data`
    // A second more than needed, for rounding; exact below. Negative times (permanent, unknown) must be looked at, however old.
    const rows = this.#database.all(
      `read the bans of ${jail} from`,
      `SELECT jail, ip, timeofban, bantime, bancount, ${data} FROM bips
        WHERE jail = ? AND (bantime < 0 OR timeofban + bantime >= ?)`,
      jail,
      Math.floor(nowMs / 1000) - 1,
    )
    return rows.map((row) => asRestored(banOf(row, durationMs))).filter((ban) => ban.id !== '' && endMs(ban) > nowMs)
  }

  history(id: string): Ban[] {
    const rows = this.#database.all(
      `read the bans of ${id} from`,
      `SELECT jail, ip, timeofban, bantime, bancount, data FROM bans WHERE ip = ? ORDER BY timeofban DESC, rowid DESC LIMIT ${historyMax}`,
      id,
    )
    return rows.map((row) => banOf(row, durationMsDefault))
  }

  /** How often the id was banned, in one jail or in all together. */
  banCount(id: string, jail?: string): number {
    const tried = `count the bans of ${id} in`
    const rows =
      jail === undefined
        ? this.#database.all(tried, 'SELECT sum(bancount) AS count FROM bips WHERE ip = ?', id)
        : this.#database.all(tried, 'SELECT bancount AS count FROM bips WHERE ip = ? AND jail = ?', id, jail)
    return Number(rows[0]?.count ?? 0)
  }

  /** Forgets bans from before `nowMs - ageMs` that count no more, and disabled jails without any (spec section 8, "purge"). */
  purge(nowMs: number, ageMs: number): void {
    const before = Math.floor((nowMs - ageMs) / 1000)
    this.#database.transaction('purge', () => {
      this.#database.run('DELETE FROM bans WHERE timeofban < ?', before)
      this.#database.run(
        'DELETE FROM bips WHERE timeofban < ? AND bantime <> -1 AND timeofban + bantime * 3 < ?',
        before,
        before,
      )
      this.#database.run(
        `DELETE FROM jails WHERE enabled = 0
          AND name NOT IN (SELECT jail FROM bans) AND name NOT IN (SELECT jail FROM bips)`,
      )
    })
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

  #insert(ban: Ban): void {
    const timeOfBan = Math.round(ban.startMs / 1000)
    // Rounded up: a ban under a second must not become none, nor one that is over at once.
    const banTime = ban.durationMs === undefined ? permanent : Math.max(0, Math.ceil(ban.durationMs / 1000))
    const data = encodeBanData(ban, this.#matchesMax)
    this.#database.run(
      'INSERT INTO bans (jail, ip, timeofban, bantime, bancount, data) VALUES (?, ?, ?, ?, ?, ?)',
      ban.jail,
      ban.id,
      timeOfBan,
      banTime,
      ban.count,
      data,
    )
  }
}

function asRestored(ban: Ban): Ban {
  return ban.origin.kind === 'operator' ? ban : { ...ban, origin: { kind: 'restored' } }
}

function banOf(row: Record<string, unknown>, unknownDurationMs: number): Ban {
  const { failures, lines, data, startMs, durationMs, isByOperator } = decodeBanData(row.data)
  const banTime = Number(row.bantime)
  const finiteMs = banTime === unknown ? unknownDurationMs : (durationMs ?? banTime * 1000)
  return {
    jail: String(row.jail),
    id: String(row.ip ?? ''),
    startMs: startMs ?? Number(row.timeofban) * 1000,
    durationMs: banTime === permanent ? undefined : finiteMs,
    origin: { kind: isByOperator ? 'operator' : 'jail' },
    count: Number(row.bancount),
    failures,
    lines,
    data,
  }
}
