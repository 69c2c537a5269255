import { type Ip, parseIp } from '../domain/address.js'
import { type Ban, endMs } from '../domain/ban.js'
import type { BanStore } from '../domain/ban-store.js'
import type { Enforcer } from '../domain/enforcer.js'
import type { Clock } from '../lib/clock.js'
import type { Log, LogLevel } from '../lib/log.js'
import { closureOf, keyOf, type Saving, toEnforcer, toStore } from './deliveries.js'
import type { Delivery } from './delivery.js'
import { Expiry } from './expiry.js'
import { type LiveBan, LiveBans } from './live-bans.js'
import { Refusals } from './refusals.js'

export interface BansOptions {
  clock: Clock
  log: Log
  enforcer: Enforcer
  store: BanStore
  /** Why this address or network may not be banned in this jail; undefined: it may. */
  protection(ip: Ip, jail: string): string | undefined
}

/** What became of a wish to ban. */
export type Enactment =
  | { kind: 'enacted' }
  /** Was banned already and now ends later. */
  | { kind: 'extended' }
  | { kind: 'already'; untilMs: number }
  /** Its end is already past. */
  | { kind: 'expired' }
  /** `canForce`: a protection, which an operator may override. */
  | { kind: 'refused'; reason: string; canForce: boolean }

/**
 * The one gate: a jail, a peer and an operator all end in `enact`. Deciding is synchronous; after it the enforcer is told, then the
 * store, then the log, each in batches. States of a ban: live (decided), enforced (the kernel has it), saved (durable); a ban that the
 * kernel or the disk refuses stays live and is tried again.
 */
export class Bans {
  readonly #options: BansOptions
  readonly #live = new LiveBans()
  /** What the store and the log still have to be told of a ban that is on its way to the enforcer. */
  readonly #details = new Map<LiveBan, { ban: Ban; isNew: boolean }>()
  readonly #expiry: Expiry<LiveBan>
  readonly #enforcing: Delivery<LiveBan>
  readonly #storing: Delivery<Saving>
  readonly #refusals: Refusals

  constructor(options: BansOptions) {
    this.#options = options
    this.#expiry = new Expiry(options.clock, (due) => this.#expire(due))
    this.#refusals = new Refusals(options)
    const isLive = (ban: LiveBan) => this.#live.isLive(ban)
    this.#enforcing = toEnforcer({ ...options, isLive, onDelivered: (bans) => this.#enforced(bans) })
    this.#storing = toStore(options)
  }

  /** Decides at once; `settled` tells when it is real and durable. */
  enact(ban: Ban, options: { force: boolean } = { force: false }): Enactment {
    // The quick way for what a burst of lines says again and again.
    const same = this.#live.get(ban.jail, ban.id)
    if (same !== undefined && !isWorthExtending(same, ban)) return this.#repeat(same, ban)
    const ip = parseIp(ban.id)
    if (ip === undefined)
      return this.#refuse(ban, 'it is not an IP address or network, and only those can be banned in the kernel', false)
    const reason = options.force ? undefined : this.#options.protection(ip, ban.jail)
    if (reason !== undefined) return this.#refuse(ban, reason, true)
    if (endMs(ban) <= this.#options.clock.now()) {
      this.#options.log.write('INFO', 'actions', `[${ban.jail}] Ignore ${ban.id}, expired bantime`)
      return { kind: 'expired' }
    }
    const known = this.#live.get(ban.jail, ip.text)
    if (known !== undefined) return this.#extend(known, ban)
    this.#begin(this.#live.add({ ...ban, id: ip.text }), ban, true)
    return { kind: 'enacted' }
  }

  /** Ends bans of this id by hand, for good: also from the store. Undefined jail: in all. Returns how many there were. */
  lift(id: string, jail?: string): number {
    const name = parseIp(id)?.text ?? id
    const bans = this.#live.ofId(name).filter((ban) => jail === undefined || ban.jail === jail)
    for (const ban of bans) {
      this.#end(ban)
      this.#storing.put(keyOf(ban), { live: ban, ban: undefined })
      this.#enforcing.put(keyOf(ban), ban)
    }
    return bans.length
  }

  /** Takes up what the store has of this jail. The caller makes it real with `reconcile`, once for all jails. */
  restore(jail: string): number {
    const nowMs = this.#options.clock.now()
    let restored = 0
    for (const ban of this.#options.store.current(jail, nowMs)) {
      const ip = parseIp(ban.id)
      if (ip === undefined || this.#live.get(jail, ip.text) !== undefined || endMs(ban) <= nowMs) continue
      const reason = this.#options.protection(ip, jail)
      if (reason !== undefined && ban.origin.kind !== 'operator') {
        this.#refuse(ban, reason, true)
        continue
      }
      const live = this.#live.add({ ...ban, id: ip.text })
      this.#watchEnd(live)
      this.#options.log.write('NOTICE', 'actions', `[${jail}] Restore Ban ${ip.text}`)
      restored++
    }
    return restored
  }

  /** Makes the enforcer hold exactly the live bans. */
  async reconcile(): Promise<void> {
    const bans = [...this.#live.all()]
    const nowMs = this.#options.clock.now()
    await this.#options.enforcer.reconcile(bans.flatMap((ban) => closureOf(ban, nowMs) ?? []))
    for (const ban of bans) ban.isEnforced = true
  }

  /** Drops a jail that is no longer configured: its bans stay in the store, the enforcer forgets them with the jail's scope. */
  dropJail(jail: string): void {
    for (const ban of [...this.#live.of(jail)]) this.#end(ban)
  }

  /** Resolves when every decision so far is enforced and durable, or has failed at least once. */
  async settled(): Promise<void> {
    await this.#enforcing.settled()
    await this.#storing.settled()
  }

  /** Before an orderly end: one more try for what waits. */
  async flush(): Promise<void> {
    await this.#enforcing.settled()
    await this.#storing.retryNow()
  }

  close(): void {
    this.#expiry.close()
    this.#enforcing.close()
    this.#storing.close()
  }

  get live(): LiveBans {
    return this.#live
  }

  /** Why the enforcer, or the store, does not take what we give it; undefined when all is well. */
  get trouble(): { enforcing: string | undefined; storing: string | undefined } {
    return { enforcing: this.#enforcing.trouble, storing: this.#storing.trouble }
  }

  #refuse(ban: Ban, reason: string, canForce: boolean): Enactment {
    this.#refusals.tell(ban, reason)
    return { kind: 'refused', reason, canForce }
  }

  #extend(known: LiveBan, ban: Ban): Enactment {
    if (!isWorthExtending(known, ban)) return this.#repeat(known, ban)
    this.#tellRepeat(known, ban)
    known.startMs = ban.startMs
    known.durationMs = ban.durationMs
    this.#begin(known, ban, false)
    return { kind: 'extended' }
  }

  #repeat(known: LiveBan, ban: Ban): Enactment {
    this.#tellRepeat(known, ban)
    return { kind: 'already', untilMs: endMs(known) }
  }

  #tellRepeat(known: LiveBan, ban: Ban): void {
    if (ban.origin.kind !== 'jail') return
    const level = levelOfRepeat(ban, known)
    if (this.#options.log.isOn(level))
      this.#options.log.write(level, 'actions', `[${ban.jail}] ${known.id} already banned`)
  }

  #begin(live: LiveBan, ban: Ban, isNew: boolean): void {
    // NOTE: an extension must not hide a ban that nobody has been told of yet.
    const isUntold = isNew || this.#details.get(live)?.isNew === true
    this.#details.set(live, { ban: { ...ban, id: live.id }, isNew: isUntold })
    this.#watchEnd(live)
    this.#enforcing.put(keyOf(live), live)
  }

  #end(ban: LiveBan): void {
    this.#live.delete(ban)
    this.#details.delete(ban)
  }

  #watchEnd(ban: LiveBan): void {
    if (ban.durationMs !== undefined) this.#expiry.add(ban, endMs(ban))
  }

  #expire(due: LiveBan[]): void {
    const nowMs = this.#options.clock.now()
    for (const ban of due) {
      // NOTE: lifted by hand, or extended meanwhile: then another entry waits for the new end.
      if (!this.#live.isLive(ban) || endMs(ban) > nowMs) continue
      this.#end(ban)
      this.#enforcing.put(keyOf(ban), ban)
    }
  }

  /** The kernel has them: save, then tell. */
  #enforced(bans: LiveBan[]): void {
    const told: string[] = []
    for (const ban of bans) {
      const details = this.#details.get(ban)
      if (details === undefined) {
        if (!this.#live.isLive(ban)) told.push(`[${ban.jail}] Unban ${ban.id}`)
        continue
      }
      ban.isEnforced = true
      this.#details.delete(ban)
      this.#storing.put(keyOf(ban), { live: ban, ban: details.ban })
      if (details.isNew) told.push(`[${ban.jail}] Ban ${ban.id}`)
    }
    void this.#storing.settled().then(() => {
      for (const text of told) this.#options.log.write('NOTICE', 'actions', text)
    })
  }
}

/**
 * A jail says so for every few lines of a burst that was already written when the ban began: an end that moves by less than a
 * tenth is not worth a change in the kernel and on the disk. An operator's word always is.
 */
function isWorthExtending(known: LiveBan, ban: Ban): boolean {
  const gainedMs = endMs(ban) - endMs(known)
  return ban.origin.kind === 'jail' && ban.durationMs !== undefined ? gainedMs > ban.durationMs / 10 : gainedMs > 0
}

/** Lines that were on their way when the ban began are no news; later ones mean that the ban does not hold (spec 5.4). */
function levelOfRepeat(ban: Ban, known: LiveBan): LogLevel {
  const sinceMs = ban.startMs - known.startMs
  if (sinceMs < 3000) return 'DEBUG'
  return sinceMs < 60_000 ? 'NOTICE' : 'WARNING'
}
