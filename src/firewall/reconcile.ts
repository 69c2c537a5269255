import { setImmediate } from 'node:timers/promises'
import type { Reconciliation, TimedClosure } from '../domain/enforcer.js'
import type { Clock } from '../lib/clock.js'
import { addPieces, type Covers } from './change-plan.js'
import { listSets, readIntervals, walkElements } from './kernel-reader.js'
import { isInterval, kernelTimeoutMs, kindOf, type SetKind, setKinds, setName, tableName } from './layout.js'
import { NftConnection } from './netlink/connection.js'
import type { DumpedElement, Element } from './netlink/elements.js'
import type { Piece } from './network-cover.js'
import type { SetChange } from './set-changes.js'
import { type ElementKey, keyOf, type TouchedKeys } from './touched-keys.js'

/** Ends that are no further apart are the same: clocks tick differently, and the kernel rounds. */
const sameEndMs = 2_000
/** How many elements one transaction puts right. */
const transactionMax = 20_000

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
  #running: Promise<unknown> = Promise.resolve()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** One at a time: a second call waits for the first. Without a change of ours to make, nothing is written. */
  reconcile(jails: ReadonlySet<string>, wanted: readonly TimedClosure[]): Promise<Reconciliation> {
    const startMs = this.#parts.clock.now()
    const result = this.#running.then(() => this.#reconcile(jails, wanted, startMs))
    this.#running = result.catch(() => {})
    return result
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
    const bySet = groupBySet(jails, wanted)
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
    const { clock } = this.#parts
    const isUsed = (listSets(this.#parts.connection).get(set) ?? 1) > 0
    if (!isUsed && wanted.length === 0) return
    // Undefined: already met in this reading. A set that grows while it is read may show an element twice.
    const missing = new Map<ElementKey, TimedClosure | undefined>()
    for (const closure of wanted) missing.set(keyOf(closure.ip.bytes), closure)
    const strangers: Element[] = []
    const wrong: TimedClosure[] = []
    const visit = (element: DumpedElement) => {
      const key = keyOf(element.key)
      if (!missing.has(key)) strangers.push({ key: Uint8Array.from(element.key) })
      const closure = missing.get(key)
      if (closure === undefined) return
      missing.set(key, undefined)
      const remainingMs = (closure.remainingMs ?? Number.POSITIVE_INFINITY) - (clock.now() - startMs)
      if (isSameEnd(remainingMs, element.remainingMs)) total.kept++
      else wrong.push(closure)
    }
    if (isUsed) await walkElements(this.#reading(), set, visit)
    await this.#repair(set, { strangers, wrong: [...wrong, ...present(missing)] }, total, startMs)
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

function groupBySet(jails: ReadonlySet<string>, wanted: readonly TimedClosure[]): Map<string, TimedClosure[]> {
  const bySet = new Map<string, TimedClosure[]>()
  const names = new Map<string, string>()
  for (const closure of wanted) {
    const kind = kindOf(closure.ip)
    if (!jails.has(closure.jail))
      throw new Error(`Cannot close ${closure.ip.text}: the firewall has no jail "${closure.jail}"`)
    const id = `${kind} ${closure.jail}`
    const name = names.get(id) ?? setName(kind, closure.jail)
    names.set(id, name)
    const closures = bySet.get(name)
    if (closures === undefined) bySet.set(name, [closure])
    else closures.push(closure)
  }
  return bySet
}

function isSameEnd(wantedMs: number, foundMs: number | undefined): boolean {
  if (kernelTimeoutMs(wantedMs) === 0 || foundMs === undefined)
    return kernelTimeoutMs(wantedMs) === 0 && foundMs === undefined
  return Math.abs(wantedMs - foundMs) <= sameEndMs
}

function* present<T>(map: Map<unknown, T | undefined>): Generator<T> {
  for (const value of map.values()) if (value !== undefined) yield value
}
