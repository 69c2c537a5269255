import type { Ban } from '../domain/ban.js'
import type { BanStore } from '../domain/ban-store.js'

/** What the gate needs of the store, besides keeping bans. Throws when the file cannot be written or read. */
export interface BanRecords extends BanStore {
  /** Bans of the jail that still run at `nowMs`. `details`: with lines, groups and number of failures, which takes four times as long. */
  current(jail: string, nowMs: number, options?: CurrentOptions): Ban[]
  /** The same, some at a time: a million bans must not stand in memory at once. */
  currentInSlices(jail: string, nowMs: number, options?: CurrentOptions): Iterable<Ban[]>
  /** Forgets all bans of these jails, in one transaction. */
  removeAll(jails: string | readonly string[]): void
  /** Running bans of the jail that last `fromMs` last `toMs` from now on; undefined: for ever. */
  retime(jail: string, times: { fromMs: number | undefined; toMs: number | undefined; nowMs: number }): void
}

export interface CurrentOptions {
  details?: boolean
  /** For bans of an old file that does not know how long they last: the jail's ban time. */
  unknownDurationMs?: number
}
