import type { Ban } from '../domain/ban.js'
import { keepNewest } from '../lib/keep-newest.js'
import type { Database } from './database.js'

/** What is on record of an id: `bips` has one row for each of its jails. */
export interface BanRecord {
  /** Bans so far. */
  count: number
  /** Begin of the last one: epoch milliseconds, of whole seconds. */
  startMs: number
}

/** Ids remembered, most of them because nothing is on record. Full: the oldest is asked for again. */
const rememberedMax = 20_000

/** Records by id, kept in memory: they are asked for with every failure. Whoever changes the table says `forget`. */
export class RecordCache {
  readonly #database: Database
  readonly #known = new Map<string, BanRecord | undefined>()

  constructor(database: Database) {
    this.#database = database
  }

  /** Undefined jail: all jails together. */
  recordOf(id: string, jail: string | undefined): BanRecord | undefined {
    const key = keyOf(id, jail)
    const known = this.#known.get(key)
    if (known !== undefined || this.#known.has(key)) return known
    try {
      const record = this.#read(id, jail)
      this.#known.set(key, record)
      keepNewest(this.#known, rememberedMax)
      return record
    } catch {
      // Another program holds the file, or the disk is gone: this failure counts once, as anybody's first.
      return undefined
    }
  }

  forget({ jail, id }: Pick<Ban, 'jail' | 'id'>): void {
    this.#known.delete(keyOf(id, jail))
    this.#known.delete(keyOf(id, undefined))
  }

  clear(): void {
    this.#known.clear()
  }

  #read(id: string, jail: string | undefined): BanRecord | undefined {
    const sums = 'SELECT sum(bancount) AS count, max(timeofban) AS time FROM bips WHERE ip = ?'
    const tried = `look up ${id} in`
    const [row] =
      jail === undefined
        ? this.#database.all(tried, sums, id)
        : this.#database.all(tried, `${sums} AND jail = ?`, id, jail)
    const count = Number(row?.count ?? 0)
    return count > 0 ? { count, startMs: Number(row?.time) * 1000 } : undefined
  }
}

function keyOf(id: string, jail: string | undefined): string {
  return `${jail ?? ''}\0${id}`
}
