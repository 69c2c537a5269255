import type { Ip } from '../domain/address.js'
import { type Ban, endMs } from '../domain/ban.js'
import type { Clock } from '../lib/clock.js'
import { keepNewest } from '../lib/keep-newest.js'
import type { Log } from '../lib/log.js'
import { Budget, type BudgetLimits, type Overrun } from './budget.js'
import { type Connected, ConnectedPeers } from './connected.js'

export interface HeldBackOptions {
  clock: Clock
  log: Log
  limits(): BudgetLimits
  /** Missing: as the kernel's lists say. Ends with this. */
  connected?: Connected
}

/** A jail whose new bans are not enforced for the time being. */
export interface HeldJail {
  jail: string
  sinceMs: number
  reason: string
  /** How many of `bans` there were, those that are forgotten included. */
  count: number
  /** Newest last. */
  bans: readonly Ban[]
}

/** Bans remembered for each jail. Full: the oldest is forgotten, and is not enforced by `resume`; he will fail again. */
const bansMax = 10_000

interface Held {
  budget: Budget
  bans: Map<string, Ban>
  count: number
  cancel: () => void
}

/**
 * The brake for a jail that bans too much at once (a mistaken pattern, a faulty list): from then on its new bans are decided and shown, but not
 * enforced, until its wishes have been within the limits for five minutes, or an operator says that they are right. Then he gets what was held
 * back enforced; when it ends by itself, that is forgotten: whoever goes on failing is banned anew.
 */
export class HeldBack {
  readonly #options: HeldBackOptions
  readonly #jails = new Map<string, Held>()
  readonly #connected: Connected

  constructor(options: HeldBackOptions) {
    this.#options = options
    this.#connected = options.connected ?? new ConnectedPeers({ clock: options.clock })
  }

  /** Counts a new ban that a jail has decided. The reason why it is not enforced, as the end of a sentence; undefined: it is. */
  against(ban: Ban, ip: Ip | undefined): string | undefined {
    const { clock, log, limits } = this.#options
    const held = this.#heldOf(ban.jail)
    // The same one again is the same wish.
    if (!held.bans.has(ban.id)) {
      const nowMs = clock.now()
      const before = held.budget.overrun(nowMs)
      const overrun = held.budget.ask({ ip, nowMs, limits: limits(), connected: this.#connected })
      if (overrun === undefined) return undefined
      if (before === undefined) this.#begin(ban.jail, held, overrun)
      held.count++
      log.write('NOTICE', 'actions', `[${ban.jail}] Hold back ban of ${ban.id}`)
    }
    held.bans.set(ban.id, ban)
    keepNewest(held.bans, bansMax)
    const overrun = held.budget.overrun(clock.now())
    return overrun && `${ban.jail} holds back: ${reasonOf(overrun)}`
  }

  /** An operator says that the jail's bans are right, until then: whom it has held back, to be enforced. Undefined: it holds nothing back. */
  resume(jail: string, untilMs: number): readonly Ban[] | undefined {
    const held = this.#jails.get(jail)
    if (held?.budget.overrun(this.#options.clock.now()) === undefined) return undefined
    held.budget.excuse(untilMs)
    const { bans } = this.#end(held)
    this.#options.log.write('NOTICE', 'actions', `[${jail}] Resumed by an operator: ${bans.length} bans were held back`)
    return bans
  }

  /** Somebody is let out by hand; missing jail: in all. */
  forget(id: string, jail?: string): void {
    for (const [name, { bans }] of this.#jails) if (jail === undefined || jail === name) bans.delete(id)
  }

  /** Those that hold back now. */
  jails(): HeldJail[] {
    return [...this.#jails.keys()].flatMap((jail) => this.of(jail) ?? [])
  }

  /** Undefined: it holds nothing back. */
  of(jail: string): HeldJail | undefined {
    const held = this.#jails.get(jail)
    const nowMs = this.#options.clock.now()
    const overrun = held?.budget.overrun(nowMs)
    if (held === undefined || overrun === undefined) return undefined
    const running = [...held.bans.values()].filter((ban) => endMs(ban) > nowMs)
    return { jail, sinceMs: overrun.sinceMs, reason: reasonOf(overrun), count: held.count, bans: running }
  }

  close(): void {
    for (const { cancel } of this.#jails.values()) cancel()
    this.#connected.close()
  }

  #heldOf(jail: string): Held {
    const known = this.#jails.get(jail)
    if (known !== undefined) return known
    const held = { budget: new Budget(), bans: new Map<string, Ban>(), count: 0, cancel: () => {} }
    this.#jails.set(jail, held)
    return held
  }

  #begin(jail: string, held: Held, overrun: Overrun): void {
    // What an overrun that has just ended has left.
    this.#end(held)
    const text = `[${jail}] New bans are held back: ${reasonOf(overrun)}. If they are right: tocsin resume ${jail}`
    this.#options.log.write('ERROR', 'actions', text)
    this.#watchEnd(jail, held)
  }

  #watchEnd(jail: string, held: Held): void {
    const { clock, log } = this.#options
    held.cancel = clock.after(Math.max(0, held.budget.calmAtMs - clock.now()) + 1, () => {
      if (held.budget.overrun(clock.now()) !== undefined) {
        this.#watchEnd(jail, held)
        return
      }
      const { count } = this.#end(held)
      log.write('NOTICE', 'actions', `[${jail}] Bans are enforced again; ${count} that were held back are forgotten`)
    })
  }

  #end(held: Held): { bans: readonly Ban[]; count: number } {
    held.cancel()
    const ended = { bans: [...held.bans.values()], count: held.count }
    held.bans.clear()
    held.count = 0
    return ended
  }
}

function reasonOf(overrun: Overrun): string {
  switch (overrun.kind) {
    case 'rate':
      return `more than ${overrun.perMinute} new bans in a minute ([protect] budget)`
    case 'peers':
      return `${overrun.hit} of the ${overrun.of} who are connected would be hit within a minute ([protect] budget_peers)`
    default:
      return overrun satisfies never
  }
}
