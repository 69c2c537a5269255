import { contains, type Ip, parseIp, v4Number, v4Text } from '../domain/address.js'
import { type Ban, endMs } from '../domain/ban.js'

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

/** An IPv4 address as a number, which needs no memory of its own; any other id as text. */
type Key = number | string

interface JailBans {
  name: string
  slots: Map<Key, number>
  /** Since the start, restored ones included. */
  total: number
}

const capacityFirst = 256
const enforced = 1
const untold = 2

/**
 * All bans that run now, by jail and id. The one owner of this fact. Kept in columns, not as objects: a million of them must fit in memory
 * (about 100 bytes each where they are IPv4 addresses).
 */
export class LiveBans {
  readonly #jails = new Map<string, JailBans>()
  readonly #free: number[] = []
  /** IPv4 addresses. */
  #numbers = new Int32Array(capacityFirst)
  /** Other ids; no entry for an IPv4 address. */
  readonly #texts = new Map<number, string>()
  /** What each slot belongs to; the same few objects again and again. */
  #owners: (JailBans | undefined)[] = []
  #starts = new Float64Array(capacityFirst)
  /** Infinity: permanent. */
  #durations = new Float64Array(capacityFirst)
  #counts = new Uint32Array(capacityFirst)
  #serials = new Uint32Array(capacityFirst)
  #flags = new Uint8Array(capacityFirst)
  #serialLast = 0
  #size = 0

  get(jail: string, id: string): LiveBan | undefined {
    const slot = this.#jails.get(jail)?.slots.get(keyOf(id))
    return slot === undefined ? undefined : this.at(slot)
  }

  has(jail: string, id: string): boolean {
    return this.#jails.get(jail)?.slots.has(keyOf(id)) ?? false
  }

  /** What is in this slot now. */
  at(slot: number): LiveBan | undefined {
    const owner = this.#owners[slot]
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
    return [...this.#jails.keys()].flatMap((jail) => this.get(jail, id) ?? [])
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

  /** NOTE: there must be none of this jail and id. `isUntold`: until `takeUntold`. */
  add(ban: Pick<Ban, 'jail' | 'id' | 'startMs' | 'durationMs' | 'count'>, options = { isUntold: false }): LiveBan {
    const owner = this.#jailBans(ban.jail)
    const slot = this.#free.pop() ?? this.#size
    if (slot >= this.#starts.length) this.#grow()
    const key = keyOf(ban.id)
    owner.slots.set(key, slot)
    owner.total++
    this.#size++
    if (typeof key === 'number') this.#numbers[slot] = key
    else this.#texts.set(slot, key)
    this.#owners[slot] = owner
    this.#counts[slot] = ban.count
    this.#flags[slot] = options.isUntold ? untold : 0
    this.#serialLast = (this.#serialLast + 1) >>> 0
    this.#serials[slot] = this.#serialLast
    this.#setTimes(slot, ban)
    const { jail, id, startMs, durationMs, count } = ban
    return { jail, id, startMs, durationMs, count, isEnforced: false, slot, serial: this.#serialLast }
  }

  delete(ban: LiveBan): void {
    if (!this.isLive(ban)) return
    this.#owners[ban.slot]?.slots.delete(keyOf(ban.id))
    this.#texts.delete(ban.slot)
    this.#flags[ban.slot] = 0
    this.#owners[ban.slot] = undefined
    this.#free.push(ban.slot)
    this.#size--
  }

  isLive({ slot, serial }: Pick<LiveBan, 'slot' | 'serial'>): boolean {
    return this.#serials[slot] === serial && this.#owners[slot] !== undefined
  }

  /** The same ban with other times. */
  retime(ban: LiveBan, times: Pick<Ban, 'startMs' | 'durationMs'>): LiveBan {
    if (this.isLive(ban)) this.#setTimes(ban.slot, times)
    return { ...ban, startMs: times.startMs, durationMs: times.durationMs }
  }

  setEnforced(ban: Pick<LiveBan, 'slot' | 'serial'>, isEnforced: boolean): void {
    if (this.isLive(ban)) this.#setFlag(ban.slot, enforced, isEnforced)
  }

  /** All bans that had been added when `serialLast` was this, and those that nobody has been told of. */
  setEnforcedUpTo(serialLast: number, isMeant: (jail: string) => boolean): void {
    for (let slot = 0; slot < this.#owners.length; slot++) {
      const owner = this.#owners[slot]
      const isIncluded = (this.#serials[slot] ?? 0) <= serialLast || ((this.#flags[slot] ?? 0) & untold) !== 0
      if (owner !== undefined && isIncluded && isMeant(owner.name)) this.#setFlag(slot, enforced, true)
    }
  }

  /** The serial of the newest ban. */
  get serialLast(): number {
    return this.#serialLast
  }

  isUntold({ slot }: Pick<LiveBan, 'slot'>): boolean {
    return ((this.#flags[slot] ?? 0) & untold) !== 0
  }

  /** Those that were added as untold, each once; also of those that are added or ended between two steps. */
  *takeUntold(): IterableIterator<LiveBan> {
    for (let slot = 0; slot < this.#owners.length; slot++) {
      if (((this.#flags[slot] ?? 0) & untold) === 0) continue
      this.#setFlag(slot, untold, false)
      const ban = this.at(slot)
      if (ban !== undefined) yield ban
    }
  }

  /** Names of all jails that have, or had, bans. */
  jails(): string[] {
    return [...this.#jails.keys()]
  }

  *of(jail: string): IterableIterator<LiveBan> {
    for (const slot of this.#jails.get(jail)?.slots.values() ?? []) {
      const ban = this.at(slot)
      if (ban !== undefined) yield ban
    }
  }

  *all(): IterableIterator<LiveBan> {
    for (const jail of this.#jails.keys()) yield* this.of(jail)
  }

  /** Those that end first in front, permanent ones last. */
  byEnd(jail: string): LiveBan[] {
    return [...this.of(jail)].sort((a, b) => (endMs(a) < endMs(b) ? -1 : endMs(a) > endMs(b) ? 1 : 0))
  }

  count(jail: string): number {
    return this.#jails.get(jail)?.slots.size ?? 0
  }

  /** Of all jails. */
  counts(): { live: number; enforced: number } {
    let count = 0
    for (let slot = 0; slot < this.#owners.length; slot++)
      if (this.#owners[slot] !== undefined && ((this.#flags[slot] ?? 0) & enforced) !== 0) count++
    return { live: this.#size, enforced: count }
  }

  /** Nothing of the jail is counted any more. Its bans must be gone. */
  forgetJail(jail: string): void {
    if (this.#jails.get(jail)?.slots.size === 0) this.#jails.delete(jail)
  }

  /** Bans of the jail since the start, restored ones included. */
  total(jail: string): number {
    return this.#jails.get(jail)?.total ?? 0
  }

  #jailBans(name: string): JailBans {
    const known = this.#jails.get(name)
    if (known !== undefined) return known
    const bans: JailBans = { name, slots: new Map(), total: 0 }
    this.#jails.set(name, bans)
    return bans
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
    this.#starts = copied(new Float64Array(capacity), this.#starts)
    this.#durations = copied(new Float64Array(capacity), this.#durations)
    this.#counts = copied(new Uint32Array(capacity), this.#counts)
    this.#serials = copied(new Uint32Array(capacity), this.#serials)
    this.#flags = copied(new Uint8Array(capacity), this.#flags)
  }
}

function keyOf(id: string): Key {
  return v4Number(id) ?? id
}

function copied<T extends { set(from: T): void }>(to: T, from: T): T {
  to.set(from)
  return to
}

/** How long the ban still runs; undefined: permanent. */
export function remainingMs(ban: Pick<LiveBan, 'startMs' | 'durationMs'>, nowMs: number): number | undefined {
  return ban.durationMs === undefined ? undefined : endMs(ban) - nowMs
}
