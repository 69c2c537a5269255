import { type Ip, overlaps, parseIp } from '../domain/address.js'
import type { Clock } from '../lib/clock.js'
import { type Guarded, type GuardSource, guardKinds } from './guarded.js'
import { NetworkIndex } from './network-index.js'
import { OwnAddresses } from './own-addresses.js'

export interface ProtectionOptions {
  clock: Clock
  /** Who else is protected, besides this machine itself. */
  guards: readonly GuardSource[]
  /** Networks an operator wrote down for this jail (`ignoreip` of the jail and of `[protect]`), names resolved. */
  ignored(jail: string): readonly Ip[]
  /** Told of those who were not protected before; not of those at the begin. */
  onAppeared?(appeared: readonly Guarded[]): void
}

/** Somebody protected, and since when we know. */
export interface KnownGuarded extends Guarded {
  sinceMs: number
}

/** Sources are asked again after this time, for each of them takes a look at a clock: 100,000 bans come at once at a restart. */
const askAgainMs = 250

const itself = ['127.0.0.0/8', '::1', '0.0.0.0', '::']
  .flatMap((text) => parseIp(text) ?? [])
  .map((ip): Guarded => ({ ip, kind: 'self', reason: `${ip.text} is this machine itself` }))

/** Who may never be banned, whoever says so. A network that only contains somebody protected is refused too. */
export class Protection {
  readonly #options: ProtectionOptions
  readonly #own: OwnAddresses
  readonly #sources: readonly GuardSource[]
  #fleet: readonly Guarded[] = []
  #lists: readonly (readonly Guarded[])[] = []
  #index = new NetworkIndex<Guarded>([])
  #since = new Map<string, number>()
  #askedMs = Number.NEGATIVE_INFINITY

  constructor(options: ProtectionOptions) {
    this.#options = options
    this.#own = new OwnAddresses(options.clock)
    this.#sources = [{ list: () => itself }, this.#own, { list: () => this.#fleet }, ...options.guards]
  }

  /** The reason, as the end of a sentence that begins with "Refused to ban …:"; undefined when the address may be banned. */
  reasonAgainst(ip: Ip, jail: string): string | undefined {
    this.#ask()
    const found = this.#index.overlapping(ip)
    for (const known of this.#options.ignored(jail))
      if (overlaps(known, ip)) found.push({ ip: known, kind: 'ignoreip', reason: `${known.text} is in ignoreip` })
    return found.length === 0 ? undefined : weightiest(found).reason
  }

  /** Whether this canonical text is one of this machine's addresses. Cheap: asked for every failure. */
  isOwn(id: string): boolean {
    return this.#own.has(id)
  }

  /** The broker and the peers of the fleet, instead of those given before. */
  setFleet(members: readonly { ip: Ip; what: string }[]): void {
    this.#fleet = members.map(({ ip, what }) => ({ ip, kind: 'fleet', reason: `${ip.text} is ${what}` }))
    this.lookAgain()
  }

  /** Something is known to have changed: the next question sees it. */
  lookAgain(): void {
    this.#askedMs = Number.NEGATIVE_INFINITY
  }

  /** Sees what has changed, and tells of it. */
  refresh(): void {
    this.#ask()
  }

  /** Everybody who is protected now, whatever the jail; `ignoreip` is not among them. */
  all(): KnownGuarded[] {
    this.lookAgain()
    this.#ask()
    const known = this.#lists.flat()
    return known.map((one) => ({ ...one, sinceMs: this.#since.get(keyOf(one)) ?? this.#askedMs }))
  }

  #ask(): void {
    const { clock, onAppeared } = this.#options
    const nowMs = clock.now()
    // A clock that was set back makes it old as well.
    if (Math.abs(nowMs - this.#askedMs) < askAgainMs) return
    this.#askedMs = nowMs
    const lists = this.#sources.map((source) => source.list())
    if (lists.length === this.#lists.length && lists.every((list, i) => list === this.#lists[i])) return
    const isFirst = this.#lists.length === 0
    this.#lists = lists
    const all = lists.flat()
    this.#index = new NetworkIndex(all)
    const before = this.#since
    this.#since = new Map(all.map((one) => [keyOf(one), before.get(keyOf(one)) ?? nowMs]))
    const appeared = isFirst ? [] : all.filter((one) => !before.has(keyOf(one)))
    if (appeared.length > 0) onAppeared?.(appeared)
  }
}

function keyOf({ kind, ip }: Guarded): string {
  return `${kind} ${ip.text}`
}

function weightiest(found: readonly Guarded[]): Guarded {
  const weightOf = ({ kind }: Guarded) => guardKinds.indexOf(kind)
  return found.reduce((best, one) => (weightOf(one) < weightOf(best) ? one : best))
}
