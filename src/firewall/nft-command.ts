import { isSingleAddress } from '../domain/address.js'
import type { Closure, Drops, Enforcer, Reconciliation, Scope, TimedClosure } from '../domain/enforcer.js'
import type { Clock } from '../lib/clock.js'
import { InTurn } from '../lib/in-turn.js'
import { isSameEnd } from './address-comparison.js'
import { closuresBySet } from './closures-by-set.js'
import { sumOf } from './drops.js'
import { Ingress } from './ingress.js'
import {
  checkJails,
  checkScopes,
  counterName,
  isIntervalSet,
  kindOf,
  type SetKind,
  setKinds,
  setName,
} from './layout.js'
import { NetworkCover, type Piece } from './network-cover.js'
import { arrangeByNft } from './nft-arrange.js'
import type { ListedElement } from './nft-json.js'
import { elementOf, networksText } from './nft-networks.js'
import { clearText, elementsText, type NftElement } from './nft-text.js'
import { NftTool, type Run } from './nft-tool.js'

export interface NftCommandOptions {
  clock: Clock
  run: Run
  /** Interfaces at which packets are kept out as they come in. */
  ingress?: readonly string[]
  /** Gets a sentence when something that was asked for cannot be had. */
  say?(sentence: string): void
}

/** nft tells whole seconds, rounded down. */
const sameEndMs = 3_000

/**
 * Closes through the nft(8) command, for when the kernel cannot be spoken to directly: the same table, slower (a process a call),
 * and with large interval sets much slower. Each call is one script, so one transaction; calls are made one after the other.
 */
export class NftCommandEnforcer implements Enforcer {
  readonly kind = 'nft'
  readonly #clock: Clock
  readonly #nft: NftTool
  readonly #covers = new Map<string, NetworkCover>()
  readonly #ingress: Ingress
  readonly #say: (sentence: string) => void
  #jails: ReadonlySet<string> = new Set()
  /** As last arranged; undefined: nothing is, or not any more. */
  #scopes: readonly Scope[] | undefined
  /** Two scripts that cross would leave our memory of the networks behind the kernel. */
  readonly #turns = new InTurn()

  constructor({ clock, run, ingress = [], say = () => {} }: NftCommandOptions) {
    this.#clock = clock
    this.#say = say
    this.#ingress = new Ingress({ names: ingress, clock, say, onChange: () => this.#arrangeAgain() })
    this.#nft = new NftTool(run)
  }

  arrange(scopes: readonly Scope[]): Promise<void> {
    return this.#turns.run(async () => {
      checkScopes(scopes)
      const names = new Set(scopes.flatMap(({ jail }) => setKinds.map((kind) => setName(kind, jail))))
      await arrangeByNft(this.#nft, { scopes, ingress: this.#ingress.present(), say: this.#say })
      this.#scopes = scopes
      this.#jails = new Set(scopes.map(({ jail }) => jail))
      for (const name of this.#covers.keys()) if (!names.has(name)) this.#covers.delete(name)
      for (const name of names) if (isIntervalSet(name) && !this.#covers.has(name)) await this.#adopt(name)
    })
  }

  close(closures: readonly TimedClosure[]): Promise<void> {
    return this.#turns.run(async () => {
      checkJails(closures, this.#jails)
      const nowMs = this.#clock.now()
      await this.#change(
        closures,
        nowMs,
        (cover, networks) =>
          cover.put(
            networks.map(({ ip, remainingMs }) => ({ ip, endMs: nowMs + (remainingMs ?? Number.POSITIVE_INFINITY) })),
            nowMs,
          ),
        ({ ip, remainingMs }) => ({ remove: [], add: [{ ip, remainingMs }] }),
      )
    })
  }

  open(closures: readonly Closure[]): Promise<void> {
    return this.#turns.run(async () => {
      const nowMs = this.#clock.now()
      const known = closures.filter(({ jail }) => this.#jails.has(jail))
      await this.#change(
        known,
        nowMs,
        (cover, networks) =>
          cover.remove(
            networks.map(({ ip }) => ip),
            nowMs,
          ),
        ({ ip }) => ({ remove: [{ ip }], add: [] }),
      )
    })
  }

  reconcile(wanted: readonly TimedClosure[]): Promise<Reconciliation> {
    return this.#turns.run(async () => {
      checkJails(wanted, this.#jails)
      const nowMs = this.#clock.now()
      const bySet = this.#wantedBySet(wanted, nowMs)
      const total = { kept: 0, added: 0, removed: 0 }
      let script = ''
      const all = await this.#nft.list()
      for (const set of this.#setNames()) {
        const missing = bySet.get(set) ?? new Map<string, Piece>()
        const remove: NftElement[] = []
        for (const { ip, remainingMs } of all.get(set) ?? []) {
          const piece = missing.get(ip.text)
          if (piece !== undefined && isSameEnd(piece.endMs - nowMs, remainingMs, sameEndMs)) {
            missing.delete(ip.text)
            total.kept++
          } else if (piece === undefined) remove.push({ ip })
        }
        total.removed += remove.length
        total.added += missing.size
        const cover = this.#covers.get(set)
        const come = [...missing.values()]
        if (cover === undefined)
          script += elementsText(set, { remove, add: come.map((piece) => elementOf(piece, nowMs)) })
        else script += networksText(set, cover, { gone: remove.map(({ ip }) => ({ ip, endMs: nowMs })), come }, nowMs)
      }
      if (script !== '') await this.#nft.script(script)
      return total
    })
  }

  drops({ jail, ip }: Closure): Promise<Drops | 'uncounted' | undefined> {
    return this.#turns.run(async () => {
      if (!this.#jails.has(jail)) return undefined
      const set = setName(kindOf(ip), jail)
      if (isSingleAddress(ip)) return this.#nft.drops(set, ip.text)
      const found = await this.#piecesListed(set, ip)
      return found.length === 0 ? undefined : sumOf(found)
    })
  }

  dropsByJail(): Promise<Map<string, Drops>> {
    return this.#turns.run(async () => {
      const counters = await this.#nft.counters()
      const none = { packets: 0, bytes: 0 }
      return new Map([...this.#jails].map((jail) => [jail, counters.get(counterName(jail)) ?? none]))
    })
  }

  count(): Promise<Map<string, number>> {
    return this.#turns.run(async () => {
      const nowMs = this.#clock.now()
      const counts = new Map<string, number>()
      const all: ReadonlyMap<string, ListedElement[]> = this.#jails.size === 0 ? new Map() : await this.#nft.list()
      for (const jail of this.#jails) {
        let count = 0
        for (const kind of setKinds) {
          const name = setName(kind, jail)
          const listed = all.get(name) ?? []
          const cover = this.#covers.get(name)
          count += cover === undefined ? listed.length : cover.countWhole(textsOf(listed), nowMs)
        }
        counts.set(jail, count)
      }
      return counts
    })
  }

  clear(): Promise<void> {
    return this.#turns.run(async () => {
      await this.#nft.script(clearText)
      this.#covers.clear()
      this.#jails = new Set()
      this.#scopes = undefined
    })
  }

  release(): void {
    this.#ingress.release()
  }

  async #change<T extends Closure>(
    closures: readonly T[],
    nowMs: number,
    changeCover: (cover: NetworkCover, networks: readonly T[]) => { gone: Piece[]; come: Piece[] },
    single: (closure: T) => { remove: NftElement[]; add: NftElement[] },
  ): Promise<void> {
    const last = new Map(closures.map((closure) => [`${closure.ip.text} ${closure.jail}`, closure]))
    let script = ''
    const touched: string[] = []
    for (const { set: name, closures: group } of closuresBySet(last.values())) {
      const cover = this.#covers.get(name)
      if (cover === undefined) {
        const parts = group.map(single)
        script += elementsText(name, {
          remove: parts.flatMap(({ remove }) => remove),
          add: parts.flatMap(({ add }) => add),
        })
      } else {
        touched.push(name)
        const { gone, come } = changeCover(cover, group)
        script += networksText(name, cover, { gone, come }, nowMs)
      }
    }
    if (script === '') return
    try {
      await this.#nft.script(script)
    } catch (error) {
      // Nothing was done, so the kernel knows better than our memory.
      for (const name of touched) await this.#adopt(name).catch(() => {})
      throw error
    }
  }

  #wantedBySet(wanted: readonly TimedClosure[], nowMs: number): Map<string, Map<string, Piece>> {
    const bySet = new Map<string, Map<string, Piece>>()
    for (const cover of this.#covers.values()) cover.clear()
    for (const { set: name, closures: group } of closuresBySet(wanted)) {
      const pieces = group.map(({ ip, remainingMs }) => ({
        ip,
        endMs: nowMs + (remainingMs ?? Number.POSITIVE_INFINITY),
      }))
      const cover = this.#covers.get(name)
      cover?.put(pieces, nowMs)
      bySet.set(name, new Map([...(cover?.pieces(nowMs) ?? pieces)].map((piece) => [piece.ip.text, piece])))
    }
    return bySet
  }

  async #adopt(name: string): Promise<void> {
    const nowMs = this.#clock.now()
    const cover = new NetworkCover()
    const listed = (await this.#nft.list(name)).get(name) ?? []
    cover.put(
      listed.map(({ ip, remainingMs }) => ({ ip, endMs: nowMs + (remainingMs ?? Number.POSITIVE_INFINITY) })),
      nowMs,
    )
    this.#covers.set(name, cover)
  }

  async #piecesListed(set: string, ip: TimedClosure['ip']): Promise<ListedElement[]> {
    const pieces = this.#covers.get(set)?.piecesAt(ip, this.#clock.now()) ?? []
    const texts = new Set(pieces.map((piece) => piece.ip.text))
    return texts.size === 0
      ? []
      : ((await this.#nft.list(set)).get(set) ?? []).filter((element) => texts.has(element.ip.text))
  }

  async #arrangeAgain(): Promise<void> {
    if (this.#scopes !== undefined) await this.arrange(this.#scopes)
  }

  #setNames(): string[] {
    return [...this.#jails].flatMap((jail) => setKinds.map((kind: SetKind) => setName(kind, jail)))
  }
}

function textsOf(listed: readonly ListedElement[]): Set<string> {
  return new Set(listed.map(({ ip }) => ip.text))
}
