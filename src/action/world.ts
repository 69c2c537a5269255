import type { Ban } from '../domain/ban.js'
import type { BanRecord } from './remembered.js'

/** A ban as it is kept in memory; its lines and groups are asked for when a command wants them. */
export interface BriefBan {
  id: string
  /** Epoch milliseconds. */
  startMs: number
  /** Undefined: permanent. */
  durationMs: number | undefined
  count: number
  isRestored?: boolean
}

export interface JailFigures {
  banned: number
  bannedTotal: number
  found: number
  foundTotal: number
}

/** All bans of somebody on record. */
export interface BanHistory {
  /** Oldest first. Hostile text. */
  lines: readonly string[]
  failures: number
}

/** What commands may ask for besides the ban itself. `Holder` is another jail's actions. */
export interface ActionWorld<Holder> {
  figures(): JailFigures
  /** The jail's own; undefined: permanent. */
  banTimeMs(): number | undefined
  /** The name of an address (PTR); undefined when it has none. */
  hostOf(ip: string): Promise<string | undefined>
  /** From the store, of this jail or of all; undefined when there is none. */
  history(id: string, scope: 'jail' | 'all'): BanHistory | undefined
  /** The latest ban of this jail on record, with lines and groups. */
  lastOf(id: string): Ban | undefined
  /** Other jails that hold a live ban of the same id now. */
  othersHolding(id: string): readonly Holder[]
}

/** What the tags of a ban are filled from. */
export interface BanSources extends Pick<ActionWorld<never>, 'figures' | 'hostOf' | 'history'> {
  lastOf(id: string): BanRecord | undefined
}

/** What the store has of a ban goes before what was remembered of it, since it is all; a store that cannot be read prevents no unban. */
export function sourcesOf<Holder>(world: ActionWorld<Holder>, remembered: BanRecord | undefined): BanSources {
  return {
    figures: () => world.figures(),
    hostOf: (ip) => world.hostOf(ip),
    history: (id, scope) => world.history(id, scope),
    lastOf(id) {
      try {
        return world.lastOf(id) ?? remembered
      } catch {
        return remembered
      }
    },
  }
}
