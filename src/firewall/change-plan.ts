import type { Ip } from '../domain/address.js'
import type { Closure, TimedClosure } from '../domain/enforcer.js'
import { type ClosuresOfSet, closuresBySet } from './closures-by-set.js'
import { intervalElements } from './intervals.js'
import { isInterval, kernelTimeoutMs, type SetKind, setName } from './layout.js'
import { NetworkCover, type Piece } from './network-cover.js'
import type { SetChange } from './set-changes.js'
import { type ElementKey, keyOf } from './touched-keys.js'

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
  const changes: SetChange[] = []
  const undone: (() => void)[] = []
  for (const group of closuresBySet(closures)) {
    const { set, jail, kind } = group
    const last = lastOfEach(group)
    const change = newChange(set)
    changes.push(change)
    if (!isInterval(kind)) {
      for (const { ip, remainingMs } of last)
        change.add.push({ key: ip.bytes, timeoutMs: kernelTimeoutMs(remainingMs && remainingMs - (nowMs - askedMs)) })
      continue
    }
    const cover = covers.of(jail, kind)
    const pieces = last.map(({ ip, remainingMs }) => ({
      ip,
      endMs: askedMs + (remainingMs ?? Number.POSITIVE_INFINITY),
    }))
    const networks = pieces.map(({ ip }) => ip)
    undone.push(reverse(cover, networks, nowMs))
    addPieces(change, cover.put(pieces, nowMs), nowMs)
  }
  return { changes, undo: inTurn(undone) }
}

export function planOpen(closures: readonly Closure[], covers: Covers, nowMs: number): ChangePlan {
  const changes: SetChange[] = []
  const undone: (() => void)[] = []
  for (const group of closuresBySet(closures)) {
    const { set, jail, kind } = group
    const change = newChange(set)
    changes.push(change)
    const ips = lastOfEach(group).map(({ ip }) => ip)
    if (!isInterval(kind)) {
      for (const { bytes } of ips) change.remove.push({ key: bytes })
      continue
    }
    const cover = covers.of(jail, kind)
    undone.push(reverse(cover, ips, nowMs))
    addPieces(change, cover.remove(ips, nowMs), nowMs)
  }
  return { changes, undo: inTurn(undone) }
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

function newChange(set: string): SetChange {
  return { set, remove: [], add: [], insert: [] }
}

/** Of closures of the same address, the last one counts. */
function lastOfEach<T extends Closure>({ kind, closures }: ClosuresOfSet<T>): T[] {
  const last = new Map<ElementKey, T>()
  for (const closure of closures) last.set(isInterval(kind) ? closure.ip.text : keyOf(closure.ip.bytes), closure)
  return [...last.values()]
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
