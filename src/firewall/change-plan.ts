import { type Ip, isSingleAddress } from '../domain/address.js'
import type { Closure, TimedClosure } from '../domain/enforcer.js'
import { intervalElements } from './intervals.js'
import { kernelTimeoutMs, kindOf, type SetKind, setName } from './layout.js'
import { NetworkCover, type Piece } from './network-cover.js'
import type { SetChange } from './set-changes.js'

/** What a call means for the sets, and how to take it back in our memory when the kernel refused. */
export interface ChangePlan {
  changes: SetChange[]
  undo(): void
}

/** The networks asked for, by jail and family. Single addresses are remembered by the kernel alone. */
export class Covers {
  readonly #bySet = new Map<string, NetworkCover>()

  of(jail: string, kind: SetKind): NetworkCover {
    const name = setName(kind, jail)
    const cover = this.#bySet.get(name) ?? new NetworkCover()
    this.#bySet.set(name, cover)
    return cover
  }

  has(jail: string, kind: SetKind): boolean {
    return this.#bySet.has(setName(kind, jail))
  }

  /** Forgets all covers but those of these sets. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#bySet.keys()) if (!names.has(name)) this.#bySet.delete(name)
  }
}

/** `askedMs` is when the closures' remaining times were told. */
export function planClose(
  closures: readonly TimedClosure[],
  covers: Covers,
  { askedMs, nowMs }: { askedMs: number; nowMs: number },
): ChangePlan {
  const parts = partsOf(closures)
  const changes = new Map<string, SetChange>()
  for (const { jail, ip, remainingMs } of parts.singles)
    changeOf(changes, setName(kindOf(ip), jail)).add.push({
      key: ip.bytes,
      timeoutMs: kernelTimeoutMs(remainingMs && remainingMs - (nowMs - askedMs)),
    })
  const undone: (() => void)[] = []
  for (const [name, group] of parts.networks) {
    const cover = covers.of(group.jail, group.kind)
    const pieces = group.closures.map(({ ip, remainingMs }) => ({
      ip,
      endMs: askedMs + (remainingMs ?? Number.POSITIVE_INFINITY),
    }))
    undone.push(
      reverse(
        cover,
        pieces.map(({ ip }) => ip),
        nowMs,
      ),
    )
    addPieces(changeOf(changes, name), cover.put(pieces, nowMs), nowMs)
  }
  return { changes: [...changes.values()], undo: inTurn(undone) }
}

export function planOpen(closures: readonly Closure[], covers: Covers, nowMs: number): ChangePlan {
  const parts = partsOf(closures)
  const changes = new Map<string, SetChange>()
  for (const { jail, ip } of parts.singles) changeOf(changes, setName(kindOf(ip), jail)).remove.push({ key: ip.bytes })
  const undone: (() => void)[] = []
  for (const [name, group] of parts.networks) {
    const cover = covers.of(group.jail, group.kind)
    const networks = group.closures.map(({ ip }) => ip)
    undone.push(reverse(cover, networks, nowMs))
    addPieces(changeOf(changes, name), cover.remove(networks, nowMs), nowMs)
  }
  return { changes: [...changes.values()], undo: inTurn(undone) }
}

/** Turns the pieces that go and come into elements. One that does both only gets its new end. */
export function addPieces(
  change: SetChange,
  { gone, come }: { gone: readonly Piece[]; come: readonly Piece[] },
  nowMs: number,
): void {
  const came = new Set(come.map(({ ip }) => ip.text))
  const went = new Set(gone.map(({ ip }) => ip.text))
  for (const { ip } of gone) if (!came.has(ip.text)) change.remove.push(...intervalElements(ip))
  for (const { ip, endMs } of come)
    (went.has(ip.text) ? change.add : change.insert).push(...intervalElements(ip, kernelTimeoutMs(endMs - nowMs)))
}

function inTurn(steps: readonly (() => void)[]): () => void {
  return () => {
    for (const step of steps) step()
  }
}

function changeOf(changes: Map<string, SetChange>, set: string): SetChange {
  const change = changes.get(set) ?? { set, remove: [], add: [], insert: [] }
  changes.set(set, change)
  return change
}

interface Parts<T extends Closure> {
  singles: Iterable<T>
  networks: Map<string, { jail: string; kind: SetKind; closures: T[] }>
}

/** Of closures of the same address in the same jail, the last one counts. */
function partsOf<T extends Closure>(closures: readonly T[]): Parts<T> {
  const last = new Map<string, T>()
  for (const closure of closures) last.set(`${closure.ip.text} ${closure.jail}`, closure)
  const singles: T[] = []
  const networks: Parts<T>['networks'] = new Map()
  for (const closure of last.values()) {
    if (isSingleAddress(closure.ip)) singles.push(closure)
    else {
      const kind = kindOf(closure.ip)
      const name = setName(kind, closure.jail)
      const group = networks.get(name)
      if (group === undefined) networks.set(name, { jail: closure.jail, kind, closures: [closure] })
      else group.closures.push(closure)
    }
  }
  return { singles, networks }
}

/** Remembers how these networks stand now; the returned function brings that back. */
function reverse(cover: NetworkCover, networks: readonly Ip[], nowMs: number): () => void {
  const before = networks.map((ip) => ({ ip, piece: cover.get(ip) }))
  return () => {
    cover.remove(
      before.filter(({ piece }) => piece === undefined).map(({ ip }) => ip),
      nowMs,
    )
    cover.put(
      before.flatMap(({ piece }) => piece ?? []),
      nowMs,
    )
  }
}
