import type { Ban } from '../domain/ban.js'
import type { Clock } from '../lib/clock.js'
import { messageOf } from '../lib/error-message.js'
import type { Log } from '../lib/log.js'
import type { BanRecords } from './ban-records.js'
import { keyOf, type Saving, toStore } from './deliveries.js'
import type { Delivery } from './delivery.js'

export interface RecordsOptions {
  clock: Clock
  log: Log
  store: BanRecords
  /** See `Bans`. */
  isElsewhere?(jail: string): boolean
}

/**
 * In a burst, bans that are known elsewhere are written down together, not in a transaction for each message that tells of them: pages that
 * many of them are on are written once. Who is killed meanwhile hears of them again, as of everything that holds, when it is back.
 */
const gatherMs = 2000
const gatherFrom = 256
/** So long the first of them waits for others in any case, and what has to be done first is done: nothing is lost with it. */
const restMs = 20

/** What is to be written down of bans, or forgotten; what the disk refuses is tried again. */
export class Records {
  readonly #store: BanRecords
  readonly #log: Log
  readonly #storing: Delivery<Saving>
  readonly #options: RecordsOptions
  /** Of those that are known elsewhere, since the window began. */
  #gathered = 0
  #held: (() => void) | undefined
  readonly #holds = new Set<object>()
  #isResting = false

  constructor(options: RecordsOptions) {
    this.#options = options
    this.#store = options.store
    this.#log = options.log
    this.#storing = toStore(options)
  }

  save(ban: Ban): void {
    if (this.#options.isElsewhere?.(ban.jail) === true) this.#gather()
    this.#storing.put(keyOf(ban), { jail: ban.jail, id: ban.id, ban })
  }

  /** One transaction for all, unless some of them, or their ends, still wait for the disk. */
  saveAll(bans: readonly Ban[]): void {
    if (this.#storing.isEmpty && this.#added(bans)) return
    for (const ban of bans) this.save(ban)
  }

  /** With the history of the id in that jail. */
  forget({ jail, id }: Pick<Ban, 'jail' | 'id'>): void {
    this.#storing.put(keyOf({ jail, id }), { jail, id, ban: undefined })
  }

  /** Everything of these jails, in one transaction; of these bans there may be some that are not saved yet. */
  forgetAll(jails: readonly string[], bans: Iterable<Pick<Ban, 'jail' | 'id'>>): void {
    const isForgotten = this.#removed(jails)
    for (const ban of bans) {
      if (isForgotten) this.#storing.drop(keyOf(ban))
      // One by one, then: tried again until it works, and said in the log.
      else this.forget(ban)
    }
  }

  /** Jails that this id was ever banned in, as far as it can be read. */
  jailsOf(id: string): string[] {
    try {
      return this.#store.history(id).map(({ jail }) => jail)
    } catch {
      // Then forgetting fails as well, which is tried again and said in the log.
      return []
    }
  }

  retime(jail: string, times: Parameters<BanRecords['retime']>[1]): void {
    try {
      this.#store.retime(jail, times)
    } catch (error) {
      const said = messageOf(error)
      const text = `Cannot save the new ban time of ${jail}, after a restart its running bans have their old ends: ${said}`
      this.#log.write('ERROR', 'database', text)
    }
  }

  /** Until the returned function is called, bursts of what is known elsewhere are not written down at all. */
  hold(): () => void {
    const hold = {}
    this.#holds.add(hold)
    return () => {
      if (this.#holds.delete(hold)) this.#release()
    }
  }

  settled(): Promise<void> {
    return this.#storing.settled()
  }

  retryNow(): Promise<void> {
    return this.#storing.retryNow()
  }

  close(): void {
    this.#storing.close()
  }

  get trouble(): string | undefined {
    return this.#storing.trouble
  }

  #gather(): void {
    if (!this.#isResting) this.#rest()
    if (this.#gathered++ === 0) this.#options.clock.after(gatherMs, () => this.#endGathering())
    if (this.#gathered > gatherFrom) this.#held ??= this.#storing.hold()
  }

  #rest(): void {
    this.#isResting = true
    const end = this.#storing.hold()
    this.#options.clock.after(restMs, () => {
      this.#isResting = false
      end()
    })
  }

  #endGathering(): void {
    this.#gathered = 0
    this.#release()
  }

  #release(): void {
    if (this.#holds.size > 0 || this.#gathered > 0) return
    this.#held?.()
    this.#held = undefined
  }

  #added(bans: readonly Ban[]): boolean {
    try {
      const isElsewhere = bans.every(({ jail }) => this.#options.isElsewhere?.(jail) === true)
      this.#store.add(bans, { isElsewhere })
      return true
    } catch {
      // Why, the next attempt says.
      return false
    }
  }

  #removed(jails: readonly string[]): boolean {
    try {
      this.#store.removeAll(jails)
      return true
    } catch {
      return false
    }
  }
}
