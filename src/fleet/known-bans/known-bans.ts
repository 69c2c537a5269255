import { fnv1a } from '../../lib/fnv.js'
import { type AddressKey, addressKey, addressText } from '../address-key.js'
import type { BanWord, NodeName, UnbanWord } from '../word.js'
import { type Row, Rows } from './rows.js'
import { type Speaker, Speakers } from './speakers.js'

/** What became of a word. */
export type Told =
  /** It is the last word now. Whether a ban has effect is for `standing` to say: it may be lifted. */
  | 'kept'
  /** Its node has told something later about that address and jail, or this. */
  | 'older'
  /** Its time is over. */
  | 'over'
  /** There is no room. */
  | 'full'

/** A ban that holds. */
export interface Standing {
  node: NodeName
  jail: string
  atMs: number
  /** Infinity: permanent. */
  untilMs: number
  failures: number
  byHand: boolean
}

export interface KnownBansOptions {
  /** Bans and lifts that are kept. Full: further bans are not. Lifts have half as much room again, as one that is lost lets a ban stand. */
  wordsMax?: number
}

const wordsMaxByDefault = 2_000_000
/** What has ended is kept so much longer, lest an earlier and longer ban that comes late has effect. */
const graceMs = 600_000
const sweepByDefault = 2000
/** In which one node may tell of one address; so many that what is known of one address is soon looked through. */
const jailsMax = 64
/** Who speaks for all nodes, an operator, is kept under no name. */
const everybody = undefined
/** On its way out. */
const nobody = 0xffffffff

/**
 * What the nodes of a fleet, we among them, have last told of each address and jail, until it ends. What holds follows from the set of
 * words alone, not from the order in which they came: of one node the higher number is the later word; what an operator has lifted
 * for everybody outweighs every ban that was told up to then, also one that comes later because its node was away.
 *
 * A later ban does not replace a lift: who has missed both, and comes to know the ban, must not keep what was lifted. A node is taken not
 * to shorten a ban without lifting it: others that miss the shorter one keep the longer.
 *
 * Words have been opened and judged before. Who joins anew counts anew: `withdraw` it first.
 */
export class KnownBans {
  readonly #rows = new Rows()
  readonly #speakers = new Speakers()
  readonly #wordsMax: number
  /** Where `expire` is. */
  #sweptTo = 0

  constructor({ wordsMax = wordsMaxByDefault }: KnownBansOptions = {}) {
    this.#wordsMax = wordsMax
  }

  /** `untilMs`: when it ends for us (the judge's `cappedUntilMs`); missing: when it says itself. */
  tell(
    word: BanWord | UnbanWord,
    { untilMs = endOf(word), nowMs }: { untilMs?: number | undefined; nowMs: number },
  ): Told {
    const key = addressKey(word.ip)
    const speaker = speakerOf(word)
    const number = this.#speakers.numberOf(speaker)
    let jails = 0
    for (let at = this.#rows.first(key); at >= 0; at = this.#rows.after(at)) {
      if (this.#speakers.of(this.#rows.speakerOf(at))?.node === speaker.node) jails++
      if (this.#rows.speakerOf(at) !== number || this.#rows.isBan(at) !== (word.kind === 'ban')) continue
      const known = this.#rows.get(at)
      const next = speaker.node === undefined ? joined(known, word, untilMs) : later(known, word, untilMs)
      if (next !== undefined) this.#rows.set(at, next)
      return next === undefined ? 'older' : 'kept'
    }
    if (untilMs + graceMs <= nowMs) return 'over'
    if (jails >= jailsMax || this.#rows.count >= this.#wordsMax * (word.kind === 'ban' ? 1 : 1.5)) return 'full'
    this.#rows.add(key, rowOf(word, { speaker: this.#speakers.take(speaker), untilMs }))
    return 'kept'
  }

  /** The bans of an address that hold, whoever has told them. */
  standing(ip: string, nowMs: number): Standing[] {
    const all = [...this.#of(addressKey(ip))]
    const lifts = all.filter(({ row }) => row.kind === 'unban')
    return all.flatMap(({ row, speaker: { node, jail } }) => {
      if (row.kind !== 'ban' || node === undefined || jail === undefined || row.untilMs <= nowMs) return []
      if (lifts.some((lift) => isLiftedBy({ row, node, jail }, lift, nowMs))) return []
      const { atMs, untilMs, failures, byHand } = row
      return [{ node, jail, atMs, untilMs, failures, byHand }]
    })
  }

  /** Whether an operator has lifted, for everybody, what was told of it at `atMs`. Evidence from then does not count either. */
  isLifted({ ip, jail, atMs }: { ip: string; jail: string; atMs: number }, nowMs: number): boolean {
    if (this.#speakers.wordsOf(everybody) === 0) return false
    for (let at = this.#rows.first(addressKey(ip)); at >= 0; at = this.#rows.after(at)) {
      if (this.#rows.isBan(at)) continue
      const speaker = this.#speakers.of(this.#rows.speakerOf(at))
      if (speaker === undefined || speaker.node !== undefined) continue
      const told = { row: { atMs, seq: 0 }, node: undefined, jail }
      if (isLiftedBy(told, { row: this.#rows.get(at), speaker }, nowMs)) return true
    }
    return false
  }

  /**
   * The time that a lift for everybody has to bear: now, or just after the last ban that is known of the address, should the clock
   * of its node be ahead of ours.
   */
  liftAtMs(ip: string, nowMs: number): number {
    return [...this.#of(addressKey(ip))].reduce((last, { row }) => Math.max(last, row.atMs), nowMs)
  }

  /** For the judge: how many words of its node and of all are kept, and whether a ban that this one changes or lifts is among them. */
  population(word: Pick<BanWord | UnbanWord, 'node' | 'ip' | 'jail'>): {
    ofNode: number
    ofFleet: number
    isKnown: boolean
  } {
    const { node, ip, jail } = word
    let isKnown = false
    for (let at = this.#rows.first(addressKey(ip)); at >= 0 && !isKnown; at = this.#rows.after(at)) {
      const speaker = this.#speakers.of(this.#rows.speakerOf(at))
      isKnown = this.#rows.isBan(at) && speaker?.node === node && (jail === undefined || speaker.jail === jail)
    }
    return { ofNode: this.#speakers.wordsOf(node), ofFleet: this.#rows.count, isKnown }
  }

  /** Forgets all that a node has told. What it has lifted for everybody, as an operator, stays lifted. Returns the addresses it was about. */
  withdraw(node: NodeName): string[] {
    const isGone = (at: number) => this.#speakers.of(this.#rows.speakerOf(at))?.node === node
    return [...this.#rows.keys()].filter((key) => this.#remove(key, isGone)).map(addressText)
  }

  /** Forgets what is over among the next so many addresses, and begins again after the last one. Nothing but memory depends on it. */
  expire(nowMs: number, addressesMax = sweepByDefault): void {
    const isGone = (at: number) => this.#rows.untilMs(at) + graceMs <= nowMs
    for (let i = 0; i < addressesMax; i++) {
      const next = this.#rows.nextKey(this.#sweptTo)
      this.#sweptTo = next === undefined ? 0 : next.place + 1
      if (next === undefined) return
      this.#remove(next.key, isGone)
    }
  }

  /** Every word that is not over, for a snapshot: of one node, or of all. A lift for everybody is under `undefined`: whose it was is not kept. */
  *words(nowMs: number, ofNode?: NodeName): Iterable<BanWord | UnbanWord> {
    // NOTE: whoever reads may pause between two words, and the rows of an address may be others' then. So those of one address are read at once.
    for (const key of this.#rows.keys()) yield* this.#wordsOf(key, nowMs, ofNode)
  }

  /** Equal on two nodes that know the same words of a node. A walk over everything: 0.4 s for a million. */
  digest(node: NodeName, nowMs: number): { words: number; hash: number } {
    let words = 0
    let hash = 0
    for (const { ip, seq, kind } of this.words(nowMs, node)) {
      words++
      hash = (hash + fnv1a(`${ip} ${seq} ${kind}`)) >>> 0
    }
    return { words, hash }
  }

  get count(): number {
    return this.#rows.count
  }

  #wordsOf(key: AddressKey, nowMs: number, ofNode: NodeName | undefined): (BanWord | UnbanWord)[] {
    const words: (BanWord | UnbanWord)[] = []
    for (const at of this.#rows.of(key)) {
      const speaker = this.#speakers.of(this.#rows.speakerOf(at))
      if (speaker?.node === undefined || (ofNode !== undefined && speaker.node !== ofNode)) continue
      if (this.#rows.untilMs(at) > nowMs)
        words.push(wordOf(addressText(key), speaker.node, { row: this.#rows.get(at), speaker }))
    }
    return words
  }

  *#of(key: AddressKey): Iterable<Kept> {
    for (const at of this.#rows.of(key)) {
      const row = this.#rows.get(at)
      const speaker = this.#speakers.of(row.speaker)
      if (speaker !== undefined) yield { row, speaker }
    }
  }

  #remove(key: AddressKey, isGone: (at: number) => boolean): boolean {
    let gone = 0
    for (const at of this.#rows.of(key)) {
      if (!isGone(at)) continue
      this.#speakers.release(this.#rows.speakerOf(at))
      this.#rows.setSpeaker(at, nobody)
      gone++
    }
    return gone > 0 && this.#rows.remove(key, (at) => this.#rows.speakerOf(at) === nobody) > 0
  }
}

interface Kept {
  row: Row
  speaker: Speaker
}

function endOf({ untilMs = Number.POSITIVE_INFINITY }: BanWord | UnbanWord): number {
  return untilMs
}

function speakerOf(word: BanWord | UnbanWord): Speaker {
  return { node: word.kind === 'unban' && word.everywhere ? everybody : word.node, jail: word.jail }
}

/** Of one node: the higher number counts. */
function later(known: Row, word: BanWord | UnbanWord, untilMs: number): Row | undefined {
  if (word.seq <= known.seq) return undefined
  return rowOf(word, { speaker: known.speaker, untilMs })
}

/** Of any operators: everything is lifted that one of them has lifted, for as long as one of them says. */
function joined(known: Row, { atMs }: BanWord | UnbanWord, untilMs: number): Row | undefined {
  if (atMs <= known.atMs && untilMs <= known.untilMs) return undefined
  return { ...known, atMs: Math.max(atMs, known.atMs), untilMs: Math.max(untilMs, known.untilMs) }
}

function rowOf(word: BanWord | UnbanWord, { speaker, untilMs }: { speaker: number; untilMs: number }): Row {
  const { kind, seq, atMs } = word
  const { failures, byHand } = kind === 'ban' ? word : { failures: 0, byHand: true }
  return { speaker, kind, seq, atMs, untilMs, failures, byHand }
}

/** Of the same node's words the number decides, as its clock may have been set back; between nodes the time has to. */
function isLiftedBy(
  ban: { row: Pick<Row, 'seq' | 'atMs'>; node: NodeName | undefined; jail: string },
  { row, speaker }: Kept,
  nowMs: number,
): boolean {
  if (row.kind !== 'unban' || row.untilMs <= nowMs) return false
  if (speaker.jail !== undefined && speaker.jail !== ban.jail) return false
  if (speaker.node === undefined) return ban.row.atMs <= row.atMs
  return speaker.node === ban.node && row.seq > ban.row.seq
}

function wordOf(ip: string, node: NodeName, { row, speaker: { jail } }: Kept): BanWord | UnbanWord {
  const { seq, atMs, untilMs, failures, byHand } = row
  if (row.kind === 'unban' || jail === undefined)
    return { kind: 'unban', node, seq, atMs, ip, jail, everywhere: false, untilMs }
  return {
    kind: 'ban',
    node,
    seq,
    atMs,
    ip,
    jail,
    untilMs: Number.isFinite(untilMs) ? untilMs : undefined,
    failures,
    byHand,
  }
}
