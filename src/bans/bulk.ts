import { setImmediate } from 'node:timers/promises'
import { parseIp } from '../domain/address.js'
import type { Ban } from '../domain/ban.js'
import type { Enforcer, TimedClosure } from '../domain/enforcer.js'
import type { InTurn } from '../lib/in-turn.js'
import type { Log } from '../lib/log.js'
import { closeMany } from './close-many.js'
import { closureTo } from './deliveries.js'
import type { LiveBan, LiveBans } from './live-bans.js'
import { ManyLines } from './many-lines.js'
import type { BanWatcher } from './news.js'
import type { Records } from './records.js'

export interface BulkOptions {
  clock: { now(): number }
  log: Log
  enforcer: Enforcer
  records: Pick<Records, 'saveAll'>
  live: LiveBans
  actions?: BanWatcher | undefined
  /** In which whoever changes what the enforcer has does so. */
  turn: InTurn
  isInKernel(jail: string): boolean
  /** The enforcer does not take these, all of them still live: they go the ordinary way, where it is tried again. */
  onRefused(bans: Ban[]): void
}

/** Closures in one transaction, on another thread: some 15 ms of it. */
const closedAtOnce = 5000
/** Saved in one transaction, and told of: some 20 ms. */
const toldAtOnce = 2000

/**
 * Bans that come by the hundred thousand, because others have them in force already: made real first, many at once, while the next are
 * heard; told of and written down when no more come. They are columns in `LiveBans` all the while, no objects that wait.
 */
export class Bulk {
  readonly #options: BulkOptions
  /** Slots, and serials, of those that are not in force yet. */
  #waiting: number[] = []
  #serials: number[] = []
  /** By slot. What is said of one is mostly said of many. */
  #lines: (readonly string[] | undefined)[] = []
  #running: Promise<void> | undefined
  #isToTell = false
  readonly #holds = new Set<object>()

  constructor(options: BulkOptions) {
    this.#options = options
  }

  /** It has been added as untold. */
  add({ slot, serial }: Pick<LiveBan, 'slot' | 'serial'>, lines: readonly string[]): void {
    this.#waiting.push(slot)
    this.#serials.push(serial)
    this.#lines[slot] = lines
    this.#isToTell = true
    this.#running ??= this.#run()
  }

  /** Until the returned function is called, nobody is told, and nothing is written down. */
  hold(): () => void {
    const hold = {}
    this.#holds.add(hold)
    return () => {
      if (this.#holds.delete(hold)) this.#running ??= this.#run()
    }
  }

  /** Resolves when all of them are in force, or go the ordinary way; and are told of, unless that is held. */
  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  /** Before an orderly end: whoever holds it does so no more. */
  async flush(): Promise<void> {
    this.#holds.clear()
    this.#running ??= this.#run()
    await this.settled()
  }

  async #run(): Promise<void> {
    // Everything that this turn of the event loop still brings goes into the same transaction.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const slots = this.#waiting.splice(0, closedAtOnce)
      const serials = this.#serials.splice(0, closedAtOnce)
      await this.#options.turn.run(() => this.#close(slots, serials))
    }
    if (this.#isToTell && this.#holds.size === 0) await this.#tell()
    this.#running = this.#isDue ? this.#run() : undefined
  }

  get #isDue(): boolean {
    return this.#waiting.length > 0 || (this.#isToTell && this.#holds.size === 0)
  }

  async #close(slots: readonly number[], serials: readonly number[]): Promise<void> {
    const { enforcer, clock, live, isInKernel } = this.#options
    const nowMs = clock.now()
    const meant: LiveBan[] = []
    const closures: TimedClosure[] = []
    for (const [i, slot] of slots.entries()) {
      const ban = live.at(slot)
      // It may have ended, or been lifted, while it waited.
      if (ban === undefined || ban.serial !== serials[i] || !isInKernel(ban.jail)) continue
      const ip = parseIp(ban.id)
      if (ip === undefined) continue
      meant.push(ban)
      closures.push(closureTo(ip, ban, nowMs))
    }
    try {
      await closeMany(enforcer, closures)
      for (const ban of meant) live.setEnforced(ban, true)
    } catch {
      // Why, the ordinary way says.
      const refused = meant.filter((ban) => live.isLive(ban))
      for (const ban of refused) live.setTold(ban)
      this.#options.onRefused(refused.map((ban) => this.#banOf(ban)))
    }
  }

  async #tell(): Promise<void> {
    this.#isToTell = false
    const lines = new ManyLines(this.#options.log)
    let part: Ban[] = []
    for (const ban of this.#options.live.takeUntold('new')) {
      part.push(this.#banOf(ban))
      if (part.length < toldAtOnce) continue
      this.#tellOf(part, lines)
      part = []
      await setImmediate()
    }
    this.#tellOf(part, lines)
    lines.end('more bans')
    if (!this.#isToTell) this.#lines = []
  }

  #tellOf(bans: readonly Ban[], lines: ManyLines): void {
    const { records, actions } = this.#options
    if (bans.length > 0) records.saveAll(bans)
    for (const ban of bans) {
      lines.write(ban.jail, 'Ban', ban.id)
      actions?.banned(ban, 'new')
    }
  }

  #banOf({ jail, id, startMs, durationMs, count, slot }: LiveBan): Ban {
    const lines = this.#lines[slot] ?? []
    return { jail, id, startMs, durationMs, origin: { kind: 'jail' }, count, failures: 0, lines, data: {} }
  }
}
