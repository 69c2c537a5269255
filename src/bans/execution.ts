import { parseIp } from '../domain/address.js'
import type { Ban } from '../domain/ban.js'
import { InTurn } from '../lib/in-turn.js'
import type { BansOptions } from './bans-options.js'
import { Bulk } from './bulk.js'
import { keyOf, toEnforcer } from './deliveries.js'
import type { Delivery } from './delivery.js'
import type { LiveBan, LiveBans } from './live-bans.js'
import { News, type Note, tell } from './news.js'
import type { Records } from './records.js'

/** So long bans that are known elsewhere are kept in memory only. */
const unsavedMsMax = 30_000

/**
 * What is decided is carried out: the enforcer is told, then the store, then the log and the watcher, each in batches. What the kernel or
 * the disk refuses is tried again.
 */
export class Execution {
  readonly #options: BansOptions
  readonly #live: LiveBans
  readonly #records: Records
  readonly #news = new News()
  readonly #enforcing: Delivery<LiveBan>
  readonly #bulk: Bulk

  constructor(options: BansOptions, { live, records }: { live: LiveBans; records: Records }) {
    this.#options = options
    this.#live = live
    this.#records = records
    const isInKernel = (jail: string) => this.isInKernel(jail)
    const common = { ...options, live, isInKernel, turn: new InTurn() }
    this.#enforcing = toEnforcer({ ...common, onDelivered: (bans) => this.#enforced(bans) })
    this.#bulk = new Bulk({ ...common, records, onRefused: (bans) => this.#beginSingly(bans) })
  }

  begun(
    live: LiveBan,
    ban: Ban,
    { notes = [], isSecret = false }: { notes?: readonly Note[]; isSecret?: boolean },
  ): void {
    if (!isSecret) this.#news.begun(keyOf(live), live, ban, notes)
    this.#enforcing.put(keyOf(live), live)
  }

  /** One of very many (`Bulk`), unless the end of an earlier one is still to be told. It has been added as untold. */
  begunInBulk(live: LiveBan, ban: Ban): void {
    if (!this.#news.has(live)) {
      this.#bulk.add(live, ban.lines)
      return
    }
    this.#live.setTold(live)
    this.begun(live, ban, {})
  }

  extended(live: LiveBan, ban: Ban): void {
    this.#news.changed(keyOf(live), live, ban)
    this.#enforcing.put(keyOf(live), live)
  }

  retimed(live: LiveBan): void {
    this.#news.retimed(keyOf(live), live)
    this.#enforcing.put(keyOf(live), live)
  }

  /** It is not live any more. `isSecret`: nobody was told that it is. */
  ended(ban: LiveBan, why: 'expired' | 'lifted', { isSecret }: { isSecret: boolean }): void {
    if (!isSecret) this.#news.ended(keyOf(ban), ban, why)
    this.#enforcing.put(keyOf(ban), ban)
  }

  /** It is not live any more, and that is nobody's business. */
  dropped(ban: LiveBan): void {
    this.#news.forget(keyOf(ban))
    this.#enforcing.drop(keyOf(ban))
  }

  /** Bans come in great numbers meanwhile, and are known elsewhere: they are enforced first, and written down when all of them are. */
  async enforceFirst<T>(work: () => Promise<T>): Promise<T> {
    const holds = [this.#records.hold(), this.#bulk.hold()]
    const release = () => {
      for (const end of holds) end()
    }
    // Who brings them may hang: then what has come is written down.
    const cancel = this.#options.clock.after(unsavedMsMax, release)
    try {
      const result = await work()
      await this.delivered()
      return result
    } finally {
      cancel()
      release()
    }
  }

  /** Resolves when the enforcer has every decision so far, or has refused it at least once. */
  async delivered(): Promise<void> {
    await this.#bulk.settled()
    await this.#enforcing.settled()
  }

  /** Resolves when every decision so far is enforced and durable, or has failed at least once. */
  async settled(): Promise<void> {
    await this.delivered()
    await this.#records.settled()
  }

  /** Before an orderly end: there is one more try for what waits. */
  async flush(): Promise<void> {
    await this.#bulk.flush()
    await this.#enforcing.settled()
    await this.#records.retryNow()
  }

  close(): void {
    this.#enforcing.close()
    this.#records.close()
  }

  isInKernel(jail: string): boolean {
    return this.#options.isInKernel?.(jail) ?? true
  }

  /** Whether the enforcer makes this ban real; else the jail's actions do. */
  isKernels({ jail, id }: LiveBan): boolean {
    const mayBeText = this.#options.mayBanText?.(jail) ?? false
    return this.isInKernel(jail) && (!mayBeText || parseIp(id) !== undefined)
  }

  /** Why the enforcer, or the store, does not take what we give it; undefined when all is well. */
  get trouble(): { enforcing: string | undefined; storing: string | undefined } {
    return { enforcing: this.#enforcing.trouble, storing: this.#records.trouble }
  }

  /** Calls to the enforcer that have failed since the start. */
  get failures(): number {
    return this.#enforcing.failures
  }

  #beginSingly(bans: readonly Ban[]): void {
    for (const ban of bans) {
      const live = this.#live.get(ban.jail, ban.id)
      if (live !== undefined) this.begun(live, ban, {})
    }
  }

  /** The kernel has them: save, then tell. */
  #enforced(bans: LiveBan[]): void {
    const items = bans.flatMap((live) => {
      if (this.isKernels(live)) this.#live.setEnforced(live, true)
      return this.#news.take(keyOf(live), live)
    })
    for (const item of items) if (item.kind !== 'unbanned') this.#records.save(item.ban)
    if (items.length > 0) void this.#records.settled().then(() => tell(items, this.#options))
  }
}
