import { contains, type Ip, parseIp, v4Number, v4Text } from '../domain/address.js'
import { type Ban, endMs } from '../domain/ban.js'
import { type JailBans, NumberedJails } from './jail-bans.js'
import { neighboursTogether, type Slots } from './neighbours.js'

/** A ban that runs now, as it was when it was asked for. The lines and groups that led to it are in the store only. */
export interface LiveBan {
  readonly jail: string
  readonly id: string
  readonly startMs: number
  readonly durationMs: number | undefined
  readonly count: number
  /** Whether the enforcer has taken it; a ban it has not taken is shown as not enforced. */
  readonly isEnforced: boolean
  /** Where it is kept; the number tells it from one that is kept there later. */
  readonly slot: number
  readonly serial: number
}

const capacityFirst = 256
const enforced = 1
/** Nobody has been told of it. */
const untold = { restored: 2, new: 8 } as const
const untoldAny = untold.restored | untold.new
const drill = 4

/** Of whom nobody is told before many more are in force: those from the store, and those that others have had. */
export type Untold = keyof typeof untold

/**
 * All bans that run now, by jail and id. The one owner of this fact. Kept in columns, not as objects: a million of them must fit in memory
 * (31 bytes each where they are IPv4 addresses, and 8 to 16 to find them by).
 */
export class LiveBans {
  readonly #jails = new NumberedJails()
  readonly #free: number[] = []
  /** IPv4 addresses. */
  #numbers = new Int32Array(capacityFirst)
  /** Other ids; no entry for an IPv4 address. */
  readonly #texts = new Map<number, string>()
  /** The number of the jail that each slot belongs to; 0: it is free. */
  #owners = new Uint16Array(capacityFirst)
  #starts = new Float64Array(capacityFirst)
  /** Infinity: permanent. */
  #durations = new Float64Array(capacityFirst)
  #counts = new Uint32Array(capacityFirst)
  #serials = new Uint32Array(capacityFirst)
  #flags = new Uint8Array(capacityFirst)
  #serialLast = 0
  #size = 0
  /** Slots from here on were never used. */
  #end = 0

  get(jail: string, id: string): LiveBan | undefined {
    const slot = this.#slotOf(jail, id)
    return slot === undefined ? undefined : this.at(slot)
  }

  has(jail: string, id: string): boolean {
    return this.#slotOf(jail, id) !== undefined
  }

  /** What is in this slot now. */
  at(slot: number): LiveBan | undefined {
    const owner = this.#ownerOf(slot)
    if (owner === undefined) return undefined
    const durationMs = this.#durations[slot] ?? 0
    return {
      jail: owner.name,
      id: this.#texts.get(slot) ?? v4Text(this.#numbers[slot] ?? 0),
      startMs: this.#starts[slot] ?? 0,
      durationMs: durationMs === Number.POSITIVE_INFINITY ? undefined : durationMs,
      count: this.#counts[slot] ?? 0,
      isEnforced: ((this.#flags[slot] ?? 0) & enforced) !== 0,
      slot,
      serial: this.#serials[slot] ?? 0,
    }
  }

  /** Every live ban of this id, whatever the jail. */
  ofId(id: string): LiveBan[] {
    return this.#jails.names().flatMap((jail) => this.get(jail, id) ?? [])
  }

  /** Every live ban of an address inside this network, or of the network itself; undefined jail: in all. */
  within(network: Ip, jail?: string): LiveBan[] {
    const found: LiveBan[] = []
    for (const ban of jail === undefined ? this.all() : this.of(jail)) {
      const ip = parseIp(ban.id)
      if (ip !== undefined && contains(network, ip)) found.push(ban)
    }
    return found
  }

  /** NOTE: there must be none of this jail and id. `untold`: until `takeUntold`; `isDrill`: until `takeDrill`, it does not count. */
  add(
    ban: Pick<Ban, 'jail' | 'id' | 'startMs' | 'durationMs' | 'count'>,
    { untold: how, isDrill = false }: { untold?: Untold | undefined; isDrill?: boolean } = {},
  ): LiveBan {
    const owner = this.#jails.getOrMake(ban.jail)
    const slot = this.#free.pop() ?? this.#end++
    if (slot >= this.#starts.length) this.#grow()
    const address = v4Number(ban.id)
    if (address === undefined) {
      this.#texts.set(slot, ban.id)
      owner.addText(slot, ban.id)
    } else {
      this.#numbers[slot] = address
      owner.addAddress(slot, this.#numbers)
    }
    if (!isDrill) owner.total++
    this.#size++
    this.#owners[slot] = owner.number
    this.#counts[slot] = ban.count
    this.#flags[slot] = (how === undefined ? 0 : untold[how]) | (isDrill ? drill : 0)
    this.#serialLast = (this.#serialLast + 1) >>> 0
    this.#serials[slot] = this.#serialLast
    this.#setTimes(slot, ban)
    const { jail, id, startMs, durationMs, count } = ban
    return { jail, id, startMs, durationMs, count, isEnforced: false, slot, serial: this.#serialLast }
  }

  delete(ban: LiveBan): void {
    if (!this.isLive(ban)) return
    const { slot } = ban
    this.#ownerOf(slot)?.delete(slot, this.#texts.get(slot), this.#numbers)
    this.#texts.delete(slot)
    this.#flags[slot] = 0
    this.#owners[slot] = 0
    this.#free.push(slot)
    this.#size--
  }

  isLive({ slot, serial }: Pick<LiveBan, 'slot' | 'serial'>): boolean {
    return this.#serials[slot] === serial && this.#owners[slot] !== 0
  }

  /** The same ban with other times. */
  retime(ban: LiveBan, times: Pick<Ban, 'startMs' | 'durationMs'>): LiveBan {
    if (this.isLive(ban)) this.#setTimes(ban.slot, times)
    return { ...ban, startMs: times.startMs, durationMs: times.durationMs }
  }

  setEnforced(ban: Pick<LiveBan, 'slot' | 'serial'>, isEnforced: boolean): void {
    if (this.isLive(ban)) this.#setFlag(ban.slot, enforced, isEnforced)
  }

  /** All bans that had been added when `serialLast` was this, and those from the store that nobody has been told of. */
  setEnforcedUpTo(serialLast: number, isMeant: (jail: string) => boolean): void {
    const areMeant = this.#jails.areMeant(isMeant)
    for (let slot = 0; slot < this.#end; slot++) {
      const isIncluded = (this.#serials[slot] ?? 0) <= serialLast || ((this.#flags[slot] ?? 0) & untold.restored) !== 0
      if (isIncluded && areMeant[this.#owners[slot] ?? 0]) this.#setFlag(slot, enforced, true)
    }
  }

  /** The serial of the newest ban. */
  get serialLast(): number {
    return this.#serialLast
  }

  isDrill({ slot }: Pick<LiveBan, 'slot'>): boolean {
    return ((this.#flags[slot] ?? 0) & drill) !== 0
  }

  /** Ends that it is a drill: from now on it is an ordinary ban. Returns whether it was one. */
  takeDrill(ban: LiveBan): boolean {
    if (!this.isDrill(ban)) return false
    this.#setFlag(ban.slot, drill, false)
    const owner = this.#ownerOf(ban.slot)
    if (owner !== undefined) owner.total++
    return true
  }

  /** Undefined: it was told of, or is on its way to be. */
  untold({ slot }: Pick<LiveBan, 'slot'>): Untold | undefined {
    const flags = this.#flags[slot] ?? 0
    if ((flags & untold.new) !== 0) return 'new'
    return (flags & untold.restored) !== 0 ? 'restored' : undefined
  }

  /** Somebody else tells of it. */
  setTold(ban: Pick<LiveBan, 'slot' | 'serial'>): void {
    if (this.isLive(ban)) this.#setFlag(ban.slot, untoldAny, false)
  }

  /** Those that were added as untold, each once, but for those that are ended between two steps. New ones that are added there may be left for the next time. */
  *takeUntold(how: Untold): IterableIterator<LiveBan> {
    for (const slot of how === 'new' ? this.#newTogether() : this.#used()) {
      if (((this.#flags[slot] ?? 0) & untold[how]) === 0) continue
      this.#setFlag(slot, untold[how], false)
      const ban = this.at(slot)
      if (ban !== undefined) yield ban
    }
  }

  /** Names of all jails that have, or had, bans. */
  jails(): string[] {
    return this.#jails.names()
  }

  /** Between two steps bans may come and go: those that are live all the while are met, each once. */
  *of(jail: string): IterableIterator<LiveBan> {
    const { number = 0, size = 0 } = this.#jails.get(jail) ?? {}
    if (size === 0) return
    for (let slot = 0; slot < this.#end; slot++) {
      const ban = this.#owners[slot] === number ? this.at(slot) : undefined
      // Its number may have become another's in between.
      if (ban?.jail === jail) yield ban
    }
  }

  /** As `of`, of all jails. */
  *all(): IterableIterator<LiveBan> {
    for (let slot = 0; slot < this.#end; slot++) {
      const ban = this.at(slot)
      if (ban !== undefined) yield ban
    }
  }

  /** Those that end first in front, permanent ones last. */
  byEnd(jail: string): LiveBan[] {
    return [...this.of(jail)].sort((a, b) => (endMs(a) < endMs(b) ? -1 : endMs(a) > endMs(b) ? 1 : 0))
  }

  count(jail: string): number {
    return this.#jails.get(jail)?.size ?? 0
  }

  /** Of all jails. */
  counts(): { live: number; enforced: number } {
    let count = 0
    for (let slot = 0; slot < this.#end; slot++)
      if (this.#owners[slot] !== 0 && ((this.#flags[slot] ?? 0) & enforced) !== 0) count++
    return { live: this.#size, enforced: count }
  }

  /** Nothing of the jail is counted any more. Its bans must be gone. */
  forgetJail(jail: string): void {
    this.#jails.forget(jail)
  }

  /** Bans of the jail since the start, restored ones included. */
  total(jail: string): number {
    return this.#jails.get(jail)?.total ?? 0
  }

  #slotOf(jail: string, id: string): number | undefined {
    return this.#jails.get(jail)?.find(id, this.#numbers)
  }

  /** Whoever takes them writes them down. */
  #newTogether(): Slots {
    const slots: number[] = []
    for (const slot of this.#used()) if (((this.#flags[slot] ?? 0) & untold.new) !== 0) slots.push(slot)
    return neighboursTogether(slots, this.#numbers)
  }

  *#used(): Iterable<number> {
    for (let slot = 0; slot < this.#end; slot++) yield slot
  }

  #ownerOf(slot: number): JailBans | undefined {
    return this.#jails.at(this.#owners[slot] ?? 0)
  }

  #setTimes(slot: number, { startMs, durationMs }: Pick<Ban, 'startMs' | 'durationMs'>): void {
    this.#starts[slot] = startMs
    this.#durations[slot] = durationMs ?? Number.POSITIVE_INFINITY
  }

  #setFlag(slot: number, flag: number, isSet: boolean): void {
    const flags = this.#flags[slot] ?? 0
    this.#flags[slot] = isSet ? flags | flag : flags & ~flag
  }

  #grow(): void {
    const capacity = Math.ceil(this.#starts.length * 1.5)
    this.#numbers = copied(new Int32Array(capacity), this.#numbers)
    this.#owners = copied(new Uint16Array(capacity), this.#owners)
    this.#starts = copied(new Float64Array(capacity), this.#starts)
    this.#durations = copied(new Float64Array(capacity), this.#durations)
    this.#counts = copied(new Uint32Array(capacity), this.#counts)
    this.#serials = copied(new Uint32Array(capacity), this.#serials)
    this.#flags = copied(new Uint8Array(capacity), this.#flags)
  }
}

function copied<T extends { set(from: T): void }>(to: T, from: T): T {
  to.set(from)
  return to
}

/** How long the ban still runs; undefined: permanent. */
export function remainingMs(ban: Pick<LiveBan, 'startMs' | 'durationMs'>, nowMs: number): number | undefined {
  return ban.durationMs === undefined ? undefined : endMs(ban) - nowMs
}
