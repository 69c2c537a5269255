import type { Ban } from './ban.js'

/** Keeps bans over restarts, in Fail2ban's schema (spec section 8). Throws when the file cannot be written or read. */
export interface BanStore {
  /** Durable when it returns: one transaction for all. `isElsewhere`: others know them too, and a power cut may take them; our own end does not. */
  add(bans: readonly Ban[], options?: { isElsewhere?: boolean }): void
  /** Forgets these bans for good (a lift by hand, not an expiry). */
  remove(bans: readonly Pick<Ban, 'jail' | 'id'>[]): void
  /** Bans of the jail that still run at `nowMs`. */
  current(jail: string, nowMs: number): Ban[]
  /** Every ban of `id` that is on record, newest first, at most 100. */
  history(id: string): Ban[]
}
