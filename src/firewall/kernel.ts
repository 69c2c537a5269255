import { setImmediate } from 'node:timers/promises'
import { isSingleAddress } from '../domain/address.js'
import type {
  Audit,
  AuditRequest,
  Closure,
  Drops,
  Enforcer,
  ForeignChange,
  Reconciliation,
  Scope,
  TimedClosure,
} from '../domain/enforcer.js'
import type { Clock } from '../lib/clock.js'
import { InTurn } from '../lib/in-turn.js'
import { Auditor } from './audit.js'
import { type ChangePlan, Covers, planClose, planOpen } from './change-plan.js'
import { sumOf } from './drops.js'
import { watchForeignChanges } from './foreign-changes.js'
import { Ingress } from './ingress.js'
import { countElements, countingOfSets, listSets, readCounters, readElement, readIntervals } from './kernel-reader.js'
import { checkJails, checkScopes, counterName, isInterval, kindOf, setKinds, setName, tableName } from './layout.js'
import { NftConnection } from './netlink/connection.js'
import { elementBytesMax } from './netlink/elements.js'
import { type KernelFeatures, probedFeatures } from './netlink/features.js'
import { putInPlace } from './put-in-place.js'
import { Reconciler } from './reconcile.js'
import { copiesMax, type SetChange, writeChanges } from './set-changes.js'
import { structureOf } from './structure.js'
import { TouchedKeys } from './touched-keys.js'

/** A call with more closures than this becomes several transactions, so that it does not hold the event loop for long. */
const oneTransactionMax = 100_000
/** How many closures each of those has. */
const transactionMax = 10_000
/** Sets up to this size are counted by reading them; larger ones by the kernel's own count, which may be a second behind. */
const countedByReadingMax = 5_000

export interface KernelOptions {
  clock: Clock
  /** What to believe of the kernel instead of trying it out. */
  features?: KernelFeatures
  /** Interfaces at which packets are kept out as they come in. */
  ingress?: readonly string[]
  /** Gets a sentence when something that was asked for cannot be had. */
  say?(sentence: string): void
}

/**
 * Closes in the kernel's packet filter, over netlink. The kernel is asked synchronously, so a change is made when the call returns
 * its promise. Up to 100,000 closures are one transaction. More are several of 10,000, between which other work is done: when a
 * later one fails, the earlier ones stay (the call can simply be made again).
 * Single addresses are kept by the kernel alone; networks also here, because the kernel takes no overlapping ones.
 */
export class KernelEnforcer implements Enforcer {
  readonly kind = 'netlink'
  readonly #clock: Clock
  readonly #connection = new NftConnection(tableName)
  /** For what is closed aside. */
  readonly #aside = new NftConnection(tableName)
  readonly #asideTurn = new InTurn()
  readonly #features: KernelFeatures
  readonly #covers = new Covers()
  readonly #touched = new TouchedKeys()
  readonly #reconciler: Reconciler
  readonly #auditor: Auditor
  readonly #ingress: Ingress
  readonly #say: (sentence: string) => void
  #jails: ReadonlySet<string> = new Set()
  /** As last arranged; undefined: nothing is, or not any more. */
  #scopes: readonly Scope[] | undefined
  /** What stands for table, chains and rules as we have put them. */
  #structure = ''

  /** Throws SystemError or NftError where this process may not, or this kernel cannot. */
  constructor({ clock, features, ingress = [], say = () => {} }: KernelOptions) {
    this.#clock = clock
    this.#say = say
    this.#ingress = new Ingress({ names: ingress, clock, say, onChange: () => this.#arrangeAgain() })
    try {
      this.#features = features ?? probedFeatures(`${tableName}-probe-${process.pid}`)
    } catch (error) {
      this.#connection.close()
      this.#aside.close()
      throw error
    }
    this.#reconciler = new Reconciler({
      connection: this.#connection,
      clock,
      covers: this.#covers,
      touched: this.#touched,
      apply: (changes) => this.#apply(changes),
    })
    this.#auditor = new Auditor({
      connection: this.#connection,
      clock,
      covers: this.#covers,
      close: (closures) => this.close(closures),
      open: (closures) => this.open(closures),
      apply: (changes) => this.#apply(changes),
    })
  }

  async arrange(scopes: readonly Scope[]): Promise<void> {
    checkScopes(scopes)
    const names = new Set(scopes.flatMap(({ jail }) => setKinds.map((kind) => setName(kind, jail))))
    const { isAnew } = putInPlace(scopes, {
      connection: this.#connection,
      interfaces: this.#ingress.present(),
      keptSets: names,
      say: this.#say,
    })
    if (isAnew) this.#covers.keepOnly(new Set())
    this.#covers.keepOnly(names)
    this.#jails = new Set(scopes.map(({ jail }) => jail))
    this.#scopes = scopes
    this.#adoptNetworks()
    this.#structure = structureOf(this.#connection)
  }

  async close(closures: readonly TimedClosure[]): Promise<void> {
    checkJails(closures, this.#jails)
    const askedMs = this.#clock.now()
    await this.#change(closures, (part) => planClose(part, this.#covers, { askedMs, nowMs: this.#clock.now() }))
  }

  async closeAside(closures: readonly TimedClosure[]): Promise<void> {
    const isPlain = closures.length <= transactionMax && closures.every(({ ip }) => isSingleAddress(ip))
    if (!isPlain || closures.some(({ jail }) => !this.#jails.has(jail))) return this.close(closures)
    await this.#asideTurn.run(async () => {
      const nowMs = this.#clock.now()
      const { changes } = planClose(closures, this.#covers, { askedMs: nowMs, nowMs })
      this.#touched.note(changes)
      await this.#aside.transactAside((writer) => writeChanges(writer, changes, this.#features))
    })
  }

  async open(closures: readonly Closure[]): Promise<void> {
    const known = closures.filter(({ jail }) => this.#jails.has(jail))
    await this.#change(known, (part) => planOpen(part, this.#covers, this.#clock.now()))
  }

  async reconcile(wanted: readonly TimedClosure[]): Promise<Reconciliation> {
    return this.#reconciler.reconcile(this.#jails, wanted)
  }

  async audit(request: AuditRequest): Promise<Audit> {
    const scopes = this.#scopes
    const isAsPut = scopes === undefined || structureOf(this.#connection) === this.#structure
    if (!isAsPut) await this.arrange(scopes)
    return { ...(await this.#auditor.audit(this.#jails, request)), rearranged: !isAsPut }
  }

  watch(onChange: (change: ForeignChange) => void): () => void {
    return watchForeignChanges({
      ownPorts: [this.#connection.portId, this.#aside.portId],
      jails: () => this.#jails,
      onChange,
    })
  }

  async drops({ jail, ip }: Closure): Promise<Drops | 'uncounted' | undefined> {
    if (!this.#jails.has(jail)) return undefined
    const set = setName(kindOf(ip), jail)
    const nowMs = this.#clock.now()
    const keys = isSingleAddress(ip)
      ? [ip.bytes]
      : this.#covers
          .of(jail, kindOf(ip))
          .piecesAt(ip, nowMs)
          .map((piece) => piece.ip.bytes)
    const found = keys.flatMap((key) => readElement(this.#connection, set, key) ?? [])
    if (found.length === 0) return undefined
    return countingOfSets(this.#connection).get(set) === false ? 'uncounted' : sumOf(found)
  }

  async dropsByJail(): Promise<Map<string, Drops>> {
    const counters = readCounters(this.#connection)
    return new Map([...this.#jails].map((jail) => [jail, counters.get(counterName(jail)) ?? { packets: 0, bytes: 0 }]))
  }

  async count(): Promise<Map<string, number>> {
    const sizes = listSets(this.#connection)
    const counts = new Map<string, number>()
    for (const jail of this.#jails) {
      let count = 0
      for (const kind of setKinds) {
        const name = setName(kind, jail)
        const size = sizes.get(name)
        if (!sizes.has(name)) continue
        if (isInterval(kind)) count += this.#countNetworks(jail, kind, name)
        else count += size !== undefined && size > countedByReadingMax ? size : countElements(this.#connection, name)
      }
      counts.set(jail, count)
    }
    return counts
  }

  async clear(): Promise<void> {
    this.#connection.transact((writer) => {
      // Removing what is not there would fail; making it first costs nothing.
      writer.newTable()
      writer.delTable()
    })
    this.#covers.keepOnly(new Set())
    this.#jails = new Set()
    this.#scopes = undefined
  }

  release(): void {
    this.#ingress.release()
    this.#reconciler.release()
    this.#aside.close()
    this.#connection.close()
  }

  async #change<T extends Closure>(closures: readonly T[], plan: (part: readonly T[]) => ChangePlan): Promise<void> {
    const size = closures.length <= this.#closuresMax ? closures.length : Math.min(transactionMax, this.#closuresMax)
    for (let at = 0; at < closures.length; at += size) {
      if (at > 0) await setImmediate()
      const part = size === closures.length ? closures : closures.slice(at, at + size)
      const { changes, undo } = plan(part)
      this.#touched.note(changes)
      try {
        this.#connection.transact((writer) => writeChanges(writer, changes, this.#features))
      } catch (error) {
        undo()
        throw error
      }
    }
  }

  async #arrangeAgain(): Promise<void> {
    if (this.#scopes !== undefined) await this.arrange(this.#scopes)
  }

  /** How many closures the socket's buffer takes in one batch. */
  get #closuresMax(): number {
    const fitting = Math.floor(this.#connection.sendBytesMax / (copiesMax * elementBytesMax))
    return Math.max(1, Math.min(oneTransactionMax, fitting))
  }

  #apply(changes: readonly SetChange[]): void {
    this.#connection.transact((writer) => writeChanges(writer, changes, this.#features))
  }

  /** After a restart the kernel still has the networks that we have no memory of. */
  #adoptNetworks(): void {
    const nowMs = this.#clock.now()
    for (const jail of this.#jails) {
      for (const kind of setKinds.filter(isInterval)) {
        if (this.#covers.has(jail, kind)) continue
        const found = readIntervals(this.#connection, setName(kind, jail))
        const networks = found.flatMap(({ ip, remainingMs }) =>
          ip ? [{ ip, endMs: nowMs + (remainingMs ?? Number.POSITIVE_INFINITY) }] : [],
        )
        this.#covers.of(jail, kind).put(networks, nowMs)
      }
    }
  }

  /** A network is in force when all of its pieces are. */
  #countNetworks(jail: string, kind: (typeof setKinds)[number], name: string): number {
    const nowMs = this.#clock.now()
    const cover = this.#covers.of(jail, kind)
    const present = new Set(readIntervals(this.#connection, name).flatMap(({ ip }) => ip?.text ?? []))
    return cover.countWhole(present, nowMs)
  }
}
