import { setImmediate } from 'node:timers/promises'
import type { Reconciliation, TimedClosure } from '../domain/enforcer.js'
import type { Clock } from '../lib/clock.js'
import { InTurn } from '../lib/in-turn.js'
import { AddressComparison, isSameEnd } from './address-comparison.js'
import { addPieces, type Covers } from './change-plan.js'
import { closuresBySet } from './closures-by-set.js'
import { listSets, readIntervals, readThese, walkElements } from './kernel-reader.js'
import { checkJails, isInterval, kernelTimeoutMs, type SetKind, setKinds, setName, tableName } from './layout.js'
import { NftConnection } from './netlink/connection.js'
import type { DumpedElement, Element } from './netlink/elements.js'
import type { Piece } from './network-cover.js'
import type { SetChange } from './set-changes.js'
import type { TouchedKeys } from './touched-keys.js'

/** How many elements one transaction puts right: about 40 ms. */
const transactionMax = 10_000
/** Sets up to this size are read as a whole. */
const readWholeMax = 100_000
/** How many elements are asked for without a pause: about 2 ms. */
const askedAtOnce = 500
/** nf_tables sweeps out every second what has ended. */
const sweepMs = 2_500

interface Parts {
  connection: NftConnection
  clock: Clock
  covers: Covers
  touched: TouchedKeys
  apply(changes: readonly SetChange[]): void
}

/**
 * Compares what is wanted with what the kernel has. Sets of addresses are read over a connection of their own, with pauses, so that
 * bans go on meanwhile; what those change is left alone. Networks count by the piece here (see NetworkCover).
 */
export class Reconciler {
  readonly #parts: Parts
  #reader: NftConnection | undefined
  readonly #turns = new InTurn()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** One at a time: a second call waits for the first. Without a change of ours to make, nothing is written. */
  reconcile(jails: ReadonlySet<string>, wanted: readonly TimedClosure[]): Promise<Reconciliation> {
    const startMs = this.#parts.clock.now()
    return this.#turns.run(() => this.#reconcile(jails, wanted, startMs))
  }

  release(): void {
    this.#reader?.close()
    this.#reader = undefined
  }

  async #reconcile(
    jails: ReadonlySet<string>,
    wanted: readonly TimedClosure[],
    startMs: number,
  ): Promise<Reconciliation> {
    checkJails(wanted, jails)
    const bySet = new Map(closuresBySet(wanted).map(({ set, closures }) => [set, closures]))
    const total = { kept: 0, added: 0, removed: 0 }
    const stopNoting = this.#parts.touched.start()
    try {
      for (const jail of jails)
        for (const kind of setKinds) {
          const closures = bySet.get(setName(kind, jail)) ?? []
          if (isInterval(kind)) this.#reconcileNetworks(jail, kind, closures, total, startMs)
          else await this.#reconcileAddresses(setName(kind, jail), closures, total, startMs)
        }
    } finally {
      stopNoting()
    }
    return total
  }

  /** Done without a pause, so nothing can come between. */
  #reconcileNetworks(
    jail: string,
    kind: SetKind,
    wanted: readonly TimedClosure[],
    total: Reconciliation,
    startMs: number,
  ): void {
    const { clock, covers, connection } = this.#parts
    const name = setName(kind, jail)
    const nowMs = clock.now()
    const cover = covers.of(jail, kind)
    const untouched = [...cover.networks()].filter(({ ip }) => !this.#parts.touched.has(name, ip.bytes))
    cover.remove(
      untouched.map(({ ip }) => ip),
      nowMs,
    )
    const networks = wanted.filter(({ ip }) => !this.#parts.touched.has(name, ip.bytes))
    cover.put(
      networks.map(({ ip, remainingMs }) => ({ ip, endMs: startMs + (remainingMs ?? Number.POSITIVE_INFINITY) })),
      nowMs,
    )
    const missing = new Map([...cover.pieces(nowMs)].map((piece) => [piece.ip.text, piece]))
    const change: SetChange = { set: name, remove: [], add: [], insert: [] }
    const wrong: Piece[] = []
    for (const { ip, remainingMs, elements } of readIntervals(connection, name)) {
      const piece = ip && missing.get(ip.text)
      if (piece !== undefined && isSameEnd(piece.endMs - nowMs, remainingMs)) {
        missing.delete(piece.ip.text)
        total.kept++
      } else if (piece === undefined) {
        change.remove.push(...elements)
        total.removed++
      } else wrong.push(piece)
    }
    addPieces(change, { gone: wrong, come: [...missing.values()] }, nowMs)
    total.added += missing.size
    if (change.remove.length + change.add.length + change.insert.length > 0) this.#parts.apply([change])
  }

  async #reconcileAddresses(
    set: string,
    wanted: readonly TimedClosure[],
    total: Reconciliation,
    startMs: number,
  ): Promise<void> {
    const size = this.#sizeOf(set)
    if (size === 0 && wanted.length === 0) return
    const comparison = new AddressComparison(wanted)
    const visit = (element: DumpedElement) => comparison.visit(element, this.#parts.clock.now() - startMs)
    if (size > readWholeMax) await this.#ask(set, comparison, visit)
    else if (size > 0) await walkElements(this.#reading(), set, visit)
    total.kept += comparison.kept
    await this.#repair(set, { strangers: comparison.strangers, wrong: comparison.toClose() }, total, startMs)
  }

  /**
   * Asks for each wanted element of a large set: 5 s a million, where reading the set takes 78 s, because the kernel begins at the
   * front for every 32 KiB. The set is read all the same when it holds more than was asked for.
   */
  async #ask(set: string, comparison: AddressComparison, visit: (element: DumpedElement) => void): Promise<void> {
    const keys = [...comparison.unmet()].map(({ ip }) => ip.bytes)
    let found = 0
    for (let at = 0; at < keys.length; at += askedAtOnce) {
      found += readThese(this.#parts.connection, set, keys.slice(at, at + askedAtOnce), visit)
      await setImmediate()
    }
    // What ended before we asked is still in the kernel's count until it has been swept out.
    await new Promise<void>((resolve) => this.#parts.clock.after(sweepMs, resolve))
    if (this.#sizeOf(set) > found + this.#parts.touched.size(set)) await walkElements(this.#reading(), set, visit)
  }

  /** 1 where the kernel does not say (before Linux 6.16): then the set is read. */
  #sizeOf(set: string): number {
    const sizes = listSets(this.#parts.connection)
    return sizes.has(set) ? (sizes.get(set) ?? 1) : 0
  }

  async #repair(
    set: string,
    { strangers, wrong }: { strangers: Element[]; wrong: TimedClosure[] },
    total: Reconciliation,
    startMs: number,
  ): Promise<void> {
    const { touched, clock, apply } = this.#parts
    for (let at = 0; at < Math.max(strangers.length, wrong.length); at += transactionMax) {
      if (at > 0) await setImmediate()
      const passedMs = clock.now() - startMs
      // What somebody changed since the beginning is newer than what we were told to make.
      const remove = strangers.slice(at, at + transactionMax).filter(({ key }) => !touched.has(set, key))
      const add = wrong
        .slice(at, at + transactionMax)
        .filter(
          ({ ip, remainingMs }) => !touched.has(set, ip.bytes) && (remainingMs ?? Number.POSITIVE_INFINITY) > passedMs,
        )
        .map(({ ip, remainingMs }) => ({
          key: ip.bytes,
          timeoutMs: kernelTimeoutMs(remainingMs && remainingMs - passedMs),
        }))
      if (remove.length + add.length > 0) apply([{ set, remove, add, insert: [] }])
      total.removed += remove.length
      total.added += add.length
    }
  }

  #reading(): NftConnection {
    this.#reader ??= new NftConnection(tableName)
    return this.#reader
  }
}
