import { setImmediate } from 'node:timers/promises'
import { isSingleAddress } from '../domain/address.js'
import type { Audit, AuditRequest, Closure, TimedClosure } from '../domain/enforcer.js'
import type { Clock } from '../lib/clock.js'
import { messageOf } from '../lib/error-message.js'
import { isSameEnd } from './address-comparison.js'
import { auditNetworks } from './audit-networks.js'
import { type AuditTally, newTally } from './audit-tally.js'
import type { Covers } from './change-plan.js'
import { closuresBySet } from './closures-by-set.js'
import { listSets, readThese, walkElements, walkElementsAside } from './kernel-reader.js'
import { isInterval, kindOf, type SetKind, setKinds, setName, tableName } from './layout.js'
import { NftConnection } from './netlink/connection.js'
import { networkOf } from './network-cover.js'
import type { SetChange } from './set-changes.js'
import { type ElementKey, keyOf } from './touched-keys.js'

/** How many elements are asked for without a pause: about 2 ms. */
const askedAtOnce = 500
/** So many that may be missing, or foreign, are kept to be looked at again; they are dealt with when there are as many. */
const suspectsMax = 10_000
/** Larger sets are searched for foreign elements only when asked to be thorough: the kernel begins at the front for every 32 KiB. */
const searchedMax = 100_000

/** How many are put into a set that was emptied without a pause: about 15 ms. */
const putBackAtOnce = 5_000

/** What ends within this time is not put back any more. */
const nearEndMs = 1_000

interface Wrong {
  closure: TimedClosure
  isThere: boolean
}

interface Search {
  jail: string
  kind: SetKind
  /** How many wanted elements each set has. */
  found: ReadonlyMap<string, number>
  reader: NftConnection
}

export interface AuditorParts {
  connection: NftConnection
  clock: Clock
  covers: Covers
  /** Both change the kernel before they return. */
  close(closures: readonly TimedClosure[]): Promise<void>
  open(closures: readonly Closure[]): Promise<void>
  apply(changes: readonly SetChange[]): void
}

/**
 * Compares the kernel's sets with what is wanted. The wanted are asked for by their keys, some hundreds at a time, whatever the size of the
 * set: nothing is held but what looks wrong. That is looked at again when what was under way has arrived, and only then put right, in the
 * same breath. What the set holds beyond the wanted is searched for by reading it over a connection of its own.
 */
export class Auditor {
  readonly #parts: AuditorParts

  constructor(parts: AuditorParts) {
    this.#parts = parts
  }

  /** Several may run at the same time. */
  async audit(jails: ReadonlySet<string>, request: AuditRequest): Promise<Omit<Audit, 'rearranged'>> {
    const startMs = this.#parts.clock.now()
    const tally = newTally()
    // Nothing else may be asked on a connection on which a set is read.
    const reader = new NftConnection(tableName)
    try {
      const { only } = request
      if (only === undefined) await this.#auditAll(jails, reader, request, tally)
      else await this.#auditThese(jails, only.closures, request, tally)
      if (only === undefined || only.networks)
        for (const jail of jails)
          for (const kind of setKinds)
            if (isInterval(kind)) await auditNetworks({ ...this.#parts, reader }, { jail, kind }, request, tally)
    } catch (error) {
      tally.trouble = messageOf(error)
    } finally {
      reader.close()
    }
    return tally.result(this.#parts.clock.now() - startMs)
  }

  async #auditAll(
    jails: ReadonlySet<string>,
    reader: NftConnection,
    request: AuditRequest,
    tally: AuditTally,
  ): Promise<void> {
    const found = await this.#auditWanted(jails, request, tally)
    for (const jail of jails)
      for (const kind of setKinds)
        if (!isInterval(kind)) await this.#searchForeign({ jail, kind, found, reader }, request, tally)
  }

  async #auditThese(
    jails: ReadonlySet<string>,
    closures: readonly Closure[],
    request: AuditRequest,
    tally: AuditTally,
  ): Promise<void> {
    const known = closures.filter(({ jail, ip }) => jails.has(jail) && isSingleAddress(ip))
    const wanted = stillWanted(known, request)
    tally.wanted += wanted.length
    await this.#settle(wanted, request, tally)
    await this.#settleForeign(known, request, tally)
  }

  /** Returns how many elements of each set were found. */
  async #auditWanted(
    jails: ReadonlySet<string>,
    request: AuditRequest,
    tally: AuditTally,
  ): Promise<ReadonlyMap<string, number>> {
    const sizes = listSets(this.#parts.connection)
    const isEmpty = (closure: Closure) => (sizes.get(setNameOf(closure)) ?? -1) === 0
    const found = new Map<string, number>()
    let slice: TimedClosure[] = []
    const suspects: TimedClosure[] = []
    const absent: TimedClosure[] = []
    const look = async (isLast: boolean) => {
      for (const { closure } of this.#wrongOf(slice, found)) suspects.push(closure)
      slice = []
      if (isLast || suspects.length >= suspectsMax) await this.#settle(suspects.splice(0), request, tally)
      if (isLast || absent.length >= putBackAtOnce) await this.#putBack(absent.splice(0), request, tally)
      await setImmediate()
      request.signal?.throwIfAborted()
    }
    for (const closure of request.wanted()) {
      if (!jails.has(closure.jail) || !isSingleAddress(closure.ip) || isNearItsEnd(closure)) continue
      tally.wanted++
      // Somebody has emptied the set: nothing has to be asked for.
      if (isEmpty(closure)) absent.push(closure)
      else slice.push(closure)
      if (slice.length >= askedAtOnce || absent.length >= putBackAtOnce) await look(false)
    }
    await look(true)
    return found
  }

  /** Those that are not in force, or (`isThere`) end at another time. */
  #wrongOf(closures: readonly TimedClosure[], found?: Map<string, number>): Wrong[] {
    const wrong: Wrong[] = []
    for (const { set, closures: group } of closuresBySet(closures)) {
      const ends = new Map<ElementKey, number | undefined>()
      readThese(
        this.#parts.connection,
        set,
        group.map(({ ip }) => ip.bytes),
        ({ key, remainingMs }) => ends.set(keyOf(key), remainingMs),
      )
      found?.set(set, (found.get(set) ?? 0) + ends.size)
      for (const closure of group) {
        const key = keyOf(closure.ip.bytes)
        const isThere = ends.has(key)
        if (!isThere || !isSameEnd(closure.remainingMs ?? Number.POSITIVE_INFINITY, ends.get(key)))
          wrong.push({ closure, isThere })
      }
    }
    return wrong
  }

  /** Looks again at what seemed wrong, when every decision so far has arrived, and puts it right. */
  async #settle(suspects: readonly TimedClosure[], request: AuditRequest, tally: AuditTally): Promise<void> {
    if (suspects.length === 0) return
    await request.settled()
    for (let at = 0; at < suspects.length; at += askedAtOnce) {
      if (at > 0) await setImmediate()
      request.signal?.throwIfAborted()
      const still = stillWanted(suspects.slice(at, at + askedAtOnce), request)
      await this.#repair(this.#wrongOf(still), request, tally)
    }
  }

  /** What was in a set that was found empty. */
  async #putBack(absent: readonly TimedClosure[], request: AuditRequest, tally: AuditTally): Promise<void> {
    if (absent.length === 0) return
    await request.settled()
    const wrong = stillWanted(absent, request).map((closure) => ({ closure, isThere: false }))
    await this.#repair(wrong, request, tally)
  }

  /** NOTE: nothing may be waited for between the look and this: a ban that is lifted meanwhile would be put back. */
  async #repair(wrong: readonly Wrong[], request: AuditRequest, tally: AuditTally): Promise<void> {
    if (wrong.length === 0) return
    for (const { closure, isThere } of wrong) {
      tally.wrong(closure, isThere)
      if (!isThere) request.onFound(closure, false)
    }
    await this.#parts.close(wrong.map(({ closure }) => closure))
    tally.repaired += wrong.length
    for (const { closure } of wrong) request.onFound(closure, true)
  }

  /** Elements of a set of addresses that nobody wants. */
  async #searchForeign({ jail, kind, found, reader }: Search, request: AuditRequest, tally: AuditTally): Promise<void> {
    const set = setName(kind, jail)
    const sizes = listSets(this.#parts.connection)
    const size = sizes.get(set)
    const known = found.get(set) ?? 0
    if (!sizes.has(set) || (size !== undefined && size <= known)) return
    const isLarge = (size ?? known) > searchedMax
    if (isLarge && !request.isThorough) return
    const suspects: Closure[] = []
    const walk = isLarge ? walkElementsAside : walkElements
    await walk(reader, set, ({ key }) => {
      request.signal?.throwIfAborted()
      if (suspects.length >= suspectsMax) return
      const closure = { jail, ip: networkOf(Uint8Array.from(key), key.length * 8) }
      if (request.wantedNow(closure) === undefined) suspects.push(closure)
    })
    await this.#settleForeign(suspects, request, tally)
  }

  async #settleForeign(suspects: readonly Closure[], request: AuditRequest, tally: AuditTally): Promise<void> {
    if (suspects.length === 0) return
    await request.settled()
    for (let at = 0; at < suspects.length; at += askedAtOnce) {
      if (at > 0) await setImmediate()
      request.signal?.throwIfAborted()
      const foreign = suspects
        .slice(at, at + askedAtOnce)
        .filter((closure) => request.wantedNow(closure) === undefined && this.#isThere(closure))
      for (const closure of foreign) tally.stranger(closure)
      if (!request.removeForeign || foreign.length === 0) continue
      await this.#parts.open(foreign)
      tally.removed += foreign.length
    }
  }

  #isThere(closure: Closure): boolean {
    return readThese(this.#parts.connection, setNameOf(closure), [closure.ip.bytes], () => {}) > 0
  }
}

function stillWanted(closures: readonly Closure[], request: AuditRequest): TimedClosure[] {
  return closures.flatMap((closure) => request.wantedNow(closure) ?? []).filter((closure) => !isNearItsEnd(closure))
}

function isNearItsEnd({ remainingMs }: TimedClosure): boolean {
  return remainingMs !== undefined && remainingMs <= nearEndMs
}

function setNameOf({ jail, ip }: Closure): string {
  return setName(kindOf(ip), jail)
}
