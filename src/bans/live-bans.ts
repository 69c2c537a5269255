import { type Ban, endMs } from '../domain/ban.js'

/** A ban that runs now. The lines and groups that led to it are in the store only: a million of these must fit in memory. */
export interface LiveBan {
  readonly jail: string
  readonly id: string
  startMs: number
  durationMs: number | undefined
  count: number
  /** Whether the enforcer has taken it; a ban it has not taken is shown as not enforced. */
  isEnforced: boolean
}

/** All bans that run now, by jail and id. The one owner of this fact. */
export class LiveBans {
  readonly #jails = new Map<string, Map<string, LiveBan>>()
  readonly #totals = new Map<string, number>()

  get(jail: string, id: string): LiveBan | undefined {
    return this.#jails.get(jail)?.get(id)
  }

  /** Every live ban of this id, whatever the jail. */
  ofId(id: string): LiveBan[] {
    return [...this.#jails.values()].flatMap((bans) => bans.get(id) ?? [])
  }

  add(ban: Ban): LiveBan {
    const { jail, id, startMs, durationMs, count } = ban
    const live: LiveBan = { jail, id, startMs, durationMs, count, isEnforced: false }
    const bans = this.#jails.get(jail) ?? new Map<string, LiveBan>()
    this.#jails.set(jail, bans)
    bans.set(id, live)
    this.#totals.set(jail, this.total(jail) + 1)
    return live
  }

  delete(ban: LiveBan): void {
    const bans = this.#jails.get(ban.jail)
    if (bans?.get(ban.id) === ban) bans.delete(ban.id)
  }

  isLive(ban: LiveBan): boolean {
    return this.get(ban.jail, ban.id) === ban
  }

  *of(jail: string): IterableIterator<LiveBan> {
    yield* this.#jails.get(jail)?.values() ?? []
  }

  *all(): IterableIterator<LiveBan> {
    for (const bans of this.#jails.values()) yield* bans.values()
  }

  count(jail: string): number {
    return this.#jails.get(jail)?.size ?? 0
  }

  /** Bans of the jail since the start, restored ones included. */
  total(jail: string): number {
    return this.#totals.get(jail) ?? 0
  }
}

/** How long the ban still runs; undefined: permanent. */
export function remainingMs(ban: Pick<LiveBan, 'startMs' | 'durationMs'>, nowMs: number): number | undefined {
  return ban.durationMs === undefined ? undefined : endMs(ban) - nowMs
}
