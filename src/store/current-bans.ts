import { type Ban, endMs } from '../domain/ban.js'
import { asRestored, banOf, briefBanOf, durationMsDefault } from './ban-row.js'
import type { Database } from './database.js'

export interface CurrentOptions {
  /** With the lines, groups and number of failures that led to each ban: four times the time, and memory for them. */
  details?: boolean
  /** For bans of an old file that does not know how long they last: the jail's ban time. */
  unknownDurationMs?: number
}

/** Bans read at once. So few that garbage is collected before it has grown old: with 4000, a million cost a third more in all. */
const sliceSize = 1000

const running = `FROM bips
    WHERE jail = ? AND rowid > ? AND (bantime < 0 OR timeofban + bantime >= ?) ORDER BY rowid LIMIT ${sliceSize}`

const wholeSql = `SELECT rowid AS place, jail, ip, timeofban, bantime, bancount, data ${running}`

/**
 * What our own keys at the end of `data` say: where there is nothing but `"tocsin.startMs":` (x'22746f…3a') with 13 digits, as nearly always,
 * that number; else the end of the text, if any of ours is there (x'746f6373696e2e' is "tocsin."; x'226661696c75726573223a' is `"failures":`,
 * which stands before them).
 */
const tail = `CASE
    WHEN substr(data, -31, 17) = x'22746f6373696e2e73746172744d73223a' THEN CAST(substr(data, -14, 13) AS INTEGER)
    WHEN instr(substr(data, -160), x'746f6373696e2e')
    THEN CAST(substr(substr(data, -160), max(1, instr(substr(data, -160), x'226661696c75726573223a') - 2)) AS TEXT) END`

/** Column by column, which costs half of a text with an array for each row. */
const briefSql = `SELECT max(place) AS place, json_group_array(ip) AS ids, json_group_array(timeofban) AS starts,
    json_group_array(bantime) AS durations, json_group_array(bancount) AS counts, json_group_array(tail) AS tails
  FROM (SELECT rowid AS place, CAST(ip AS TEXT) AS ip, timeofban, bantime, bancount, ${tail} AS tail ${running})`

type SliceArguments = readonly [jail: string, after: number, endMin: number]

/** `place`: of the last row, ended ones included. */
interface Slice {
  found: Ban[]
  place: number
}

/** Bans in force, as far as the file knows: those of the table `bips` that have not ended. Calls throw `StoreError`. */
export class CurrentBans {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Some at a time: a million bans must not stand in memory at once. Bans that are added meanwhile may be missing. */
  *inSlices(jail: string, nowMs: number, options: CurrentOptions = {}): Iterable<Ban[]> {
    const { details = false, unknownDurationMs = durationMsDefault } = options
    for (let after = Number.MIN_SAFE_INTEGER; ; ) {
      // A second more than needed, for rounding; exact below. Negative times (permanent, unknown) must be looked at, however old.
      const args = [jail, after, Math.floor(nowMs / 1000) - 1] as const
      const { found, place } = details ? this.#whole(args, unknownDurationMs) : this.#brief(args, unknownDurationMs)
      yield found.filter((ban) => ban.id !== '' && endMs(asRestored(ban)) > nowMs)
      if (found.length < sliceSize) return
      after = place
    }
  }

  /** How many the jail has, those included that may have ended since; without reading them. */
  count(jail: string): number {
    const [row] = this.#database.all(
      `count the bans of ${jail} in`,
      'SELECT count(*) AS bans FROM bips WHERE jail = ?',
      jail,
    )
    return Number(row?.bans ?? 0)
  }

  #whole(args: SliceArguments, unknownDurationMs: number): Slice {
    const rows = this.#database.all(`read the bans of ${args[0]} from`, wholeSql, ...args)
    return { found: rows.map((row) => banOf(row, unknownDurationMs)), place: Number(rows.at(-1)?.place) }
  }

  #brief(args: SliceArguments, unknownDurationMs: number): Slice {
    const [jail] = args
    const [all = {}] = this.#database.all(`read the bans of ${jail} from`, briefSql, ...args)
    const [starts, durations, counts, tails] = [
      listIn(all.starts),
      listIn(all.durations),
      listIn(all.counts),
      listIn(all.tails),
    ]
    const found = listIn(all.ids).map((ip, i) =>
      briefBanOf(
        { jail, ip, timeofban: starts[i], bantime: durations[i], bancount: counts[i], data: tails[i] },
        unknownDurationMs,
      ),
    )
    return { found, place: Number(all.place) }
  }
}

function listIn(json: unknown): unknown[] {
  const list: unknown = JSON.parse(String(json))
  return Array.isArray(list) ? list : []
}
