import type { Ban } from '../domain/ban.js'

/** What is known of a ban besides its times. Hostile text. */
export type BanRecord = Pick<Ban, 'lines' | 'failures' | 'data'>

/**
 * The fields of live bans that later commands will want. An unban by hand deletes the ban from the store before any action hears of it,
 * and without the `ip` of a ban whose id is a user's name nobody could unban it. Most bans want nothing: nothing is kept of them.
 */
export class Remembered {
  readonly #records = new Map<string, BanRecord>()

  /** `wanted`: names of fields. Of the lines nothing is kept: they are for news of a ban, and may be long. */
  keep(id: string, { data, failures }: BanRecord, wanted: ReadonlySet<string>): void {
    const kept = Object.entries(data).filter(([name, value]) => wanted.has(name) || (name === 'ip' && value !== id))
    if (kept.length === 0 && !wanted.has('failures')) this.#records.delete(id)
    else this.#records.set(id, { lines: [], failures, data: Object.fromEntries(kept) })
  }

  get(id: string): BanRecord | undefined {
    return this.#records.get(id)
  }

  forget(id: string): void {
    this.#records.delete(id)
  }
}

/** Characters of log text in it. */
export function textLengthOf({ lines, data }: BanRecord): number {
  return [...lines, ...Object.values(data)].reduce((sum, text) => sum + text.length, 0)
}
