import { contains, type Ip, ipOf } from '../domain/address.js'

/** One network of an interval set and when it goes (epoch milliseconds, Infinity: never). */
export interface Piece {
  ip: Ip
  endMs: number
}

const pruneEvery = 64

/**
 * Networks of one set. The kernel's interval sets refuse overlaps, and people ban 10.0.0.0/8 for an hour and 10.1.0.0/16 for a
 * week. So we keep what was asked for, and the set holds disjoint *pieces*: each address ends when the last network around it does.
 * Networks hang in groups under their outermost one; a change recomputes its group only.
 */
export class NetworkCover {
  #putsUntilPrune = pruneEvery
  /** Outermost network's text → it and all networks inside it. */
  readonly #groups = new Map<string, { top: Ip; members: Map<string, Piece> }>()
  /** How many groups' tops have this prefix length. */
  readonly #lengths = new Map<number, number>();

  *networks(): Generator<Piece> {
    for (const { members } of this.#groups.values()) yield* members.values()
  }

  *pieces(nowMs: number): Generator<Piece> {
    for (const group of this.#groups.values()) yield* piecesOf(group, nowMs)
  }

  /** How many networks are in force, if these pieces are: one is when all of its pieces are. */
  countWhole(present: ReadonlySet<string>, nowMs: number): number {
    let count = 0
    for (const { ip, endMs } of this.networks())
      if (endMs > nowMs && this.piecesAt(ip, nowMs).every((piece) => present.has(piece.ip.text))) count++
    return count
  }

  /** The pieces that have to do with this network: inside it, or around it. */
  piecesAt(ip: Ip, nowMs: number): Piece[] {
    const group = this.#groupAround(ip)
    if (group === undefined) return []
    return piecesOf(group, nowMs).filter((piece) => contains(piece.ip, ip) || contains(ip, piece.ip))
  }

  get(ip: Ip): Piece | undefined {
    return this.#groupAround(ip)?.members.get(ip.text)
  }

  /** Adds or changes networks; says which pieces go and which come. */
  put(networks: readonly Piece[], nowMs: number): { gone: Piece[]; come: Piece[] } {
    this.#putsUntilPrune -= networks.length
    if (this.#putsUntilPrune <= 0) this.#prune(nowMs)
    return this.#change(
      networks.map(({ ip }) => ip),
      nowMs,
      () => {
        for (const network of networks) this.#put(network)
      },
    )
  }

  remove(networks: readonly Ip[], nowMs: number): { gone: Piece[]; come: Piece[] } {
    return this.#change(networks, nowMs, () => {
      for (const ip of networks) this.#remove(ip)
    })
  }

  clear(): void {
    this.#groups.clear()
    this.#lengths.clear()
  }

  /** Forgets what has ended, so that memory holds live networks only, and as many dead ones at most. */
  #prune(nowMs: number): void {
    const ended = [...this.networks()].filter(({ endMs }) => endMs <= nowMs)
    for (const { ip } of ended) this.#remove(ip)
    this.#putsUntilPrune = Math.max(pruneEvery, [...this.networks()].length)
  }

  #change(touched: readonly Ip[], nowMs: number, change: () => void): { gone: Piece[]; come: Piece[] } {
    // What has ended is gone by itself.
    const before = this.#piecesAround(touched, nowMs)
    change()
    const after = this.#piecesAround(touched, nowMs)
    const gone = [...before.values()].filter(({ ip, endMs }) => after.get(ip.text)?.endMs !== endMs)
    const come = [...after.values()].filter(({ ip, endMs }) => before.get(ip.text)?.endMs !== endMs)
    return { gone, come }
  }

  #piecesAround(touched: readonly Ip[], nowMs: number): Map<string, Piece> {
    const pieces = new Map<string, Piece>()
    const groups = new Set(touched.flatMap((ip) => [this.#groupAround(ip) ?? this.#groupsInside(ip)].flat()))
    for (const group of groups) for (const piece of piecesOf(group, nowMs)) pieces.set(piece.ip.text, piece)
    return pieces
  }

  #put(network: Piece): void {
    const outer = this.#groupAround(network.ip)
    if (outer !== undefined) {
      outer.members.set(network.ip.text, network)
      return
    }
    const members = new Map([[network.ip.text, network]])
    for (const group of this.#groupsInside(network.ip)) {
      for (const [text, piece] of group.members) members.set(text, piece)
      this.#dropGroup(group.top)
    }
    this.#addGroup(network.ip, members)
  }

  #remove(ip: Ip): void {
    const group = this.#groupAround(ip)
    if (group === undefined || !group.members.delete(ip.text) || group.top.text !== ip.text) return
    this.#dropGroup(ip)
    // Widest first, so that each finds the group it belongs to.
    for (const piece of [...group.members.values()].sort((a, b) => a.ip.prefix - b.ip.prefix)) this.#put(piece)
  }

  #addGroup(top: Ip, members: Map<string, Piece>): void {
    this.#groups.set(top.text, { top, members })
    this.#lengths.set(top.prefix, (this.#lengths.get(top.prefix) ?? 0) + 1)
  }

  #dropGroup(top: Ip): void {
    this.#groups.delete(top.text)
    const left = (this.#lengths.get(top.prefix) ?? 1) - 1
    if (left > 0) this.#lengths.set(top.prefix, left)
    else this.#lengths.delete(top.prefix)
  }

  #groupAround(ip: Ip): { top: Ip; members: Map<string, Piece> } | undefined {
    for (const length of this.#lengths.keys()) {
      if (length > ip.prefix) continue
      const group = this.#groups.get(around(ip, length).text)
      if (group !== undefined) return group
    }
    return undefined
  }

  /** Looks at every group, but only where some group is narrower than the network: seldom, as lists mostly have one length. */
  #groupsInside(ip: Ip): { top: Ip; members: Map<string, Piece> }[] {
    if (![...this.#lengths.keys()].some((length) => length > ip.prefix)) return []
    return [...this.#groups.values()].filter(({ top }) => contains(ip, top))
  }
}

function piecesOf({ top, members }: { top: Ip; members: Map<string, Piece> }, nowMs: number): Piece[] {
  const live = [...members.values()].filter(({ endMs }) => endMs > nowMs)
  const pieces: Piece[] = []
  if (live.length > 0) cut(top, Number.NEGATIVE_INFINITY, live, pieces)
  return pieces
}

/** Halves `ip` until no network inside outlives what is around it. `inside` are the networks within `ip`, itself included. */
function cut(ip: Ip, outerEndMs: number, inside: readonly Piece[], pieces: Piece[]): void {
  const own = inside.find((piece) => piece.ip.prefix === ip.prefix)
  const endMs = Math.max(outerEndMs, own?.endMs ?? outerEndMs)
  const longer = inside.filter((piece) => piece.endMs > endMs)
  if (longer.length === 0) {
    if (endMs > Number.NEGATIVE_INFINITY) pieces.push({ ip, endMs })
    return
  }
  for (const half of halves(ip)) {
    const within = longer.filter((piece) => contains(half, piece.ip))
    cut(half, endMs, within, pieces)
  }
}

function halves(ip: Ip): [Ip, Ip] {
  const upper = ip.bytes.slice()
  upper[ip.prefix >> 3] = (upper[ip.prefix >> 3] ?? 0) | (0x80 >> (ip.prefix & 7))
  return [networkOf(ip.bytes, ip.prefix + 1), networkOf(upper, ip.prefix + 1)]
}

function around(ip: Ip, prefix: number): Ip {
  const bytes = ip.bytes.map((byte, i) => byte & (0xff << Math.max(0, Math.min(8, 8 * (i + 1) - prefix))))
  return networkOf(bytes, prefix)
}

/** As `ipOf`, but what lies in ::ffff:0:0/96 stays IPv6: it is a part of an IPv6 network here, not somebody's address. */
export function networkOf(bytes: Uint8Array, prefix: number): Ip {
  const ip = ipOf(bytes, prefix)
  if (ip.bytes.length === bytes.length) return ip
  return { family: 6, bytes, prefix, text: `::ffff:${ipOf(ip.bytes).text}/${prefix}` }
}
