import { isSingleAddress, parseIp } from '../domain/address.js'
import { type Ban, endMs } from '../domain/ban.js'
import type { BansOptions } from './bans-options.js'
import type { Enactment, EnactOptions } from './enactment.js'
import { Execution } from './execution.js'
import { Expiry } from './expiry.js'
import { InForce } from './in-force.js'
import { type LiveBan, LiveBans } from './live-bans.js'
import { Records } from './records.js'
import { Refusals, type Refused } from './refusals.js'
import { isWorthExtending, tellRepeat } from './repeats.js'
import { Restore, type RestoreRules, type RestoreStep } from './restore.js'

/**
 * The one gate: a jail, a peer and an operator all end in `enact`. Deciding is synchronous; what is decided is carried out by `Execution`. States
 * of a ban: live (decided), enforced (the kernel has it), saved (durable); a ban that the kernel or the disk refuses stays live and is tried again.
 */
export class Bans {
  readonly #options: BansOptions
  readonly #live = new LiveBans()
  readonly #expiry: Expiry
  readonly #execution: Execution
  readonly #records: Records
  readonly #refusals: Refusals
  readonly #restore: Restore
  readonly #allInForce: InForce
  #telling: Promise<unknown> = Promise.resolve()

  constructor(options: BansOptions) {
    this.#options = options
    this.#expiry = new Expiry(options.clock, (slots) => this.#expire(slots))
    this.#refusals = new Refusals(options)
    const live = this.#live
    this.#records = new Records(options)
    this.#execution = new Execution(options, { live, records: this.#records })
    const isInKernel = (jail: string) => this.#execution.isInKernel(jail)
    this.#allInForce = new InForce({ ...options, live, isInKernel })
    this.#restore = new Restore({
      ...options,
      live,
      refusals: this.#refusals,
      onLive: (ban) => this.#watchEnd(ban),
    })
  }

  /** Decides at once; `settled` tells when it is real and durable. */
  enact(wish: Ban, options: EnactOptions = { force: false }): Enactment {
    // The quick way for what a burst of lines says again and again.
    const same = this.#live.get(wish.jail, wish.id)
    if (same !== undefined && !isWorthExtending(same, wish)) return this.#repeat(same, wish)
    const ip = parseIp(wish.id)
    const refusal = this.#refusals.against(wish, ip, options)
    if (refusal !== undefined) return { kind: 'refused', ...refusal }
    if (endMs(wish) <= this.#options.clock.now()) {
      this.#options.log.write('INFO', 'actions', `[${wish.jail}] Ignore ${wish.id}, expired bantime`)
      return { kind: 'expired' }
    }
    const id = ip?.text ?? wish.id
    const known = id === wish.id ? same : this.#live.get(wish.jail, id)
    if (known !== undefined) return this.#extend(known, wish)
    const isAsked = wish.origin.kind === 'jail' && !options.isSettled
    const held = isAsked ? this.#options.holdBack?.({ ...wish, id }, ip) : undefined
    if (held !== undefined) return { kind: 'held', reason: held }
    const named = id === wish.id ? wish : { ...wish, id }
    const longer = options.exact ? undefined : this.#options.lengthen?.(named)
    const ban = longer ? { ...named, durationMs: longer.durationMs, count: longer.count } : named
    const { isDrill = false, isSettled = false } = options
    const live = this.#live.add(ban, { isDrill, untold: isSettled ? 'new' : undefined })
    this.#watchEnd(live)
    if (isSettled) this.#execution.begunInBulk(live, ban)
    else this.#execution.begun(live, ban, { notes: longer?.notes ?? [], isSecret: isDrill })
    return { kind: 'enacted' }
  }

  /**
   * Ends bans of this id by hand, for good: also in the store, with the history of the id. A network ends all bans inside it.
   * Undefined jail: in all. Returns how many there were.
   */
  lift(id: string, jail?: string): number {
    const ip = parseIp(id)
    const name = ip?.text ?? id
    const isNetwork = ip !== undefined && !isSingleAddress(ip)
    const bans = isNetwork ? this.#live.within(ip, jail) : this.#live.ofId(name)
    const lifted = jail === undefined ? bans : bans.filter((ban) => ban.jail === jail)
    for (const one of jail === undefined ? this.#records.jailsOf(name) : [jail])
      this.#records.forget({ jail: one, id: name })
    for (const ban of lifted) {
      this.#records.forget(ban)
      this.#end(ban, 'lifted')
    }
    if (lifted.length === 0) this.#options.log.write('MSG', 'actions', `${name} is not banned`)
    return lifted.length
  }

  /** Ends all bans of these jails by hand, and forgets their whole history in one transaction. Returns how many bans there were. */
  liftAll(jails: readonly string[]): number {
    const bans = jails.flatMap((jail) => [...this.#live.of(jail)])
    this.#records.forgetAll(jails, bans)
    for (const ban of bans) this.#end(ban, 'lifted')
    return bans.length
  }

  /** `set J bantime`: running bans that have the jail's ban time get the new one (spec 5.3). Undefined: permanent. */
  retime(jail: string, fromMs: number | undefined, toMs: number | undefined): void {
    for (const ban of [...this.#live.of(jail)]) {
      if (ban.durationMs !== fromMs) continue
      const live = this.#live.retime(ban, { startMs: ban.startMs, durationMs: toMs })
      this.#watchEnd(live)
      this.#execution.retimed(live)
    }
    this.#records.retime(jail, { fromMs, toMs, nowMs: this.#options.clock.now() })
  }

  /** Whether its actions have carried out a ban that the kernel cannot: of a jail that closes nothing there, or of a text. */
  setEnforced(jail: string, id: string, isEnforced: boolean): void {
    const live = this.#live.get(jail, id)
    if (live !== undefined && !this.#execution.isKernels(live)) this.#live.setEnforced(live, isEnforced)
  }

  /** Takes up what the store has of these jails, and makes it real. Others come first after every thousand bans. `isStart`: nobody bans or lifts meanwhile. Returns how many there are. */
  async restore(
    jails: Iterable<readonly [jail: string, rules: RestoreRules]>,
    options = { isStart: false },
  ): Promise<number> {
    const steps = [...jails].map(([jail, rules]): [string, Iterable<RestoreStep>] => [
      jail,
      this.#restore.steps(jail, rules),
    ])
    return this.#inForce(() => this.#allInForce.follow(steps, options))
  }

  /** Makes the enforcer hold the live bans after its scopes have changed. */
  async reconcile(): Promise<void> {
    await this.#inForce(() => this.#allInForce.settle())
  }

  /** Bans come in great numbers meanwhile, and are known elsewhere: they are enforced first, and written down when all of them are. */
  enforceFirst<T>(work: () => Promise<T>): Promise<T> {
    return this.#execution.enforceFirst(work)
  }

  /** Drops a jail that is no longer configured: its bans stay in the store, the enforcer forgets them with the jail's scope. */
  dropJail(jail: string): void {
    for (const ban of [...this.#live.of(jail)]) {
      this.#live.delete(ban)
      this.#expiry.delete(ban.slot)
      this.#execution.dropped(ban)
    }
    this.#live.forgetJail(jail)
  }

  /** Resolves when the enforcer has every decision so far, or has refused it at least once. */
  delivered(): Promise<void> {
    return this.#execution.delivered()
  }

  /** Resolves when every decision so far is enforced and durable, or has failed at least once. */
  settled(): Promise<void> {
    return this.#execution.settled()
  }

  /** Before an orderly end: everything is told, and there is one more try for what waits. */
  async flush(): Promise<void> {
    await this.#telling
    await this.#execution.flush()
  }

  close(): void {
    this.#expiry.close()
    this.#execution.close()
  }

  /** Whom somebody wanted to ban and may not, the latest first. */
  get refused(): Refused[] {
    return this.#refusals.latest()
  }

  get live(): LiveBans {
    return this.#live
  }

  /** Why the enforcer, or the store, does not take what we give it; undefined when all is well. */
  get trouble(): { enforcing: string | undefined; storing: string | undefined } {
    return this.#execution.trouble
  }

  /** Calls to the enforcer that have failed since the start. */
  get enforcementFailures(): number {
    return this.#execution.failures
  }

  /** Once this is done, all bans there were at its begin or came with it are enforced; tells of those that were restored. */
  async #inForce<T>(work: () => Promise<T>): Promise<T> {
    const { serialLast } = this.#live
    const result = await work()
    this.#live.setEnforcedUpTo(serialLast, (jail) => this.#execution.isInKernel(jail))
    this.#telling = Promise.all([this.#telling, this.#restore.tell()])
    return result
  }

  #extend(known: LiveBan, wish: Ban): Enactment {
    if (!isWorthExtending(known, wish)) return this.#repeat(known, wish)
    tellRepeat(known, wish, this.#options)
    // It is the same ban: what it counts for stays.
    const ban = { ...wish, id: known.id, count: known.count }
    const live = this.#live.retime(known, ban)
    this.#watchEnd(live)
    if (this.#live.takeDrill(known)) this.#execution.begun(live, ban, {})
    // Told of, and written down, as it is then.
    else if (this.#live.untold(known) === 'new') this.#execution.retimed(live)
    else this.#execution.extended(live, ban)
    return { kind: 'extended' }
  }

  #repeat(known: LiveBan, wish: Ban): Enactment {
    tellRepeat(known, wish, this.#options)
    return { kind: 'already', untilMs: endMs(known) }
  }

  #end(ban: LiveBan, why: 'expired' | 'lifted'): void {
    // Nobody has been told of it so far, or is to be: then nobody is told of its end.
    const isSecret = this.#live.untold(ban) !== undefined || this.#live.isDrill(ban)
    this.#live.delete(ban)
    this.#expiry.delete(ban.slot)
    this.#execution.ended(ban, why, { isSecret })
  }

  #watchEnd(ban: LiveBan): void {
    if (ban.durationMs === undefined) this.#expiry.delete(ban.slot)
    else this.#expiry.set(ban.slot, endMs(ban))
  }

  #expire(slots: number[]): void {
    for (const slot of slots) {
      const ban = this.#live.at(slot)
      if (ban !== undefined) this.#end(ban, 'expired')
    }
  }
}
