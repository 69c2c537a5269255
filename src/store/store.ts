import type { Clock } from '../lib/clock.js'
import type { Log } from '../lib/log.js'
import { Bans } from './bans.js'
import { openDatabase } from './database.js'
import { Logins } from './logins.js'
import { Outbox } from './outbox.js'
import { ReadPositions } from './read-positions.js'

export interface StoreOptions {
  /** Undefined: in memory only, all is lost at the end. */
  file: string | undefined
  clock: Clock
  log: Log
  /** Matching lines kept of each ban from now on (`dbmaxmatches`). */
  matchesMax: () => number
}

/** Everything that outlives a restart, in one SQLite file. */
export interface Store {
  bans: Bans
  positions: ReadPositions
  logins: Logins
  /** What is to be told to the fleet; `bans.add` and `bans.remove` can put something there in their own transaction. */
  outbox: Outbox
  close(): void
}

/** Throws `StoreError` when the file cannot be opened. */
export function openStore({ file, clock, log, matchesMax }: StoreOptions): Store {
  const database = openDatabase({ path: file ?? ':memory:', clock, log })
  const outbox = new Outbox(database)
  const bans = new Bans(database, { matchesMax, clock, outbox })
  return {
    bans,
    positions: new ReadPositions(database),
    logins: new Logins(database),
    outbox,
    close() {
      bans.close()
      database.close()
    },
  }
}
