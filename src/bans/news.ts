import type { Ban } from '../domain/ban.js'
import type { Log, LogLevel } from '../lib/log.js'
import { keyOf } from './deliveries.js'
import type { LiveBan } from './live-bans.js'

/** Who wants to know what has become of bans. Called when it is real: the kernel and the store have it, the log line is written. */
export interface BanWatcher {
  banned(ban: Ban, how: 'new' | 'restored'): void
  /** It ends later than was told. */
  prolonged(ban: Ban): void
  unbanned(ban: LiveBan, why: 'expired' | 'lifted'): void
  /** Somebody who is banned was seen again, `lateMs` after the ban began: it may not hold (spec 5.4). */
  repeated?(ban: LiveBan, lateMs: number): void
}

/** A line that follows that of the ban, of the module `observer`. */
export interface Note {
  level: LogLevel
  text: string
}

export type Item =
  | { kind: 'banned'; ban: Ban; notes: readonly Note[] }
  | { kind: 'prolonged'; ban: Ban }
  | { kind: 'unbanned'; live: LiveBan; why: 'expired' | 'lifted' }

/** What is to be told of one jail's ban of one id, once the enforcer has made its latest state real. */
interface Pending {
  latest: LiveBan
  ended?: Item
  begun?: Item & { kind: 'banned' | 'prolonged' }
}

/**
 * What nobody has been told of yet, in order: an end before the next begin. A ban that ends before it was told of has never been. One entry for
 * each ban that is on its way to the enforcer.
 */
export class News {
  readonly #pending = new Map<string, Pending>()

  /** Whether there is something to be told of this one. Asked for each of very many, and mostly there is nothing at all. */
  has(ban: Pick<LiveBan, 'jail' | 'id'>): boolean {
    return this.#pending.size > 0 && this.#pending.has(keyOf(ban))
  }

  begun(key: string, live: LiveBan, ban: Ban, notes: readonly Note[]): void {
    this.#pending.set(key, { ...this.#pending.get(key), latest: live, begun: { kind: 'banned', ban, notes } })
  }

  /** NOTE: a ban that nobody has been told of stays a new one. */
  changed(key: string, live: LiveBan, ban: Ban): void {
    const known = this.#pending.get(key)
    const begun = known?.begun?.kind === 'banned' ? { ...known.begun, ban } : { kind: 'prolonged' as const, ban }
    this.#pending.set(key, { ...known, latest: live, begun })
  }

  /** Other times of what may have been told or not; nobody is told of the change itself. */
  retimed(key: string, live: LiveBan): void {
    const known = this.#pending.get(key)
    if (known === undefined) return
    const { startMs, durationMs } = live
    const { begun } = known
    const retimed = begun && { ...begun, ban: { ...begun.ban, startMs, durationMs } }
    this.#pending.set(key, { ...known, latest: live, ...(retimed && { begun: retimed }) })
  }

  ended(key: string, live: LiveBan, why: 'expired' | 'lifted'): void {
    const { ended: before, begun } = this.#pending.get(key) ?? {}
    const ended: Item | undefined = begun?.kind === 'banned' ? before : { kind: 'unbanned', live, why }
    this.#pending.set(key, { latest: live, ...(ended && { ended }) })
  }

  /** Nobody is to be told of this one any more. */
  forget(key: string): void {
    this.#pending.delete(key)
  }

  /** What can be told now that the enforcer has this state; nothing when there is a later one. */
  take(key: string, live: LiveBan): Item[] {
    const known = this.#pending.get(key)
    if (known?.latest !== live) return []
    this.#pending.delete(key)
    return [known.ended ?? [], known.begun ?? []].flat()
  }
}

/** Writes the log and calls the watcher. */
export function tell(items: readonly Item[], { log, actions }: { log: Log; actions?: BanWatcher | undefined }): void {
  for (const item of items) {
    switch (item.kind) {
      case 'banned':
        log.write('NOTICE', 'actions', `[${item.ban.jail}] Ban ${item.ban.id}`)
        for (const { level, text } of item.notes) log.write(level, 'observer', text)
        actions?.banned(item.ban, 'new')
        break
      case 'prolonged':
        actions?.prolonged(item.ban)
        break
      case 'unbanned':
        log.write('NOTICE', 'actions', `[${item.live.jail}] Unban ${item.live.id}`)
        actions?.unbanned(item.live, item.why)
        break
      default:
        item satisfies never
    }
  }
}
