import type { Ban } from '../domain/ban.js'
import { textLengthOf } from './remembered.js'
import type { BriefBan } from './world.js'

/** What the actions of a jail are told. */
export type BanEvent =
  | { kind: 'ban'; ban: BriefBan; record: Ban | undefined }
  | { kind: 'unban' | 'prolong'; ban: BriefBan }
export type Work = BanEvent | { kind: 'task'; run(): Promise<void> }

export interface BacklogOptions {
  /** So many events are kept one by one. */
  waitingMax: number
  /** Whether nobody waits for the end of a ban of this id that was never made. */
  mayForget(id: string): boolean
  onFull(): void
  /** What came after that has been handed out, too. `skipped`: bans that ended before their turn came. */
  onCaughtUp(skipped: number): void
}

/** Characters of log lines that wait with their bans; a ban may bring a megabyte. */
const textLengthMax = 1 << 24

const unfoldedAtOnce = 1000

interface Folded {
  unban?: BriefBan
  ban?: BriefBan
  prolonged?: BriefBan
}

/**
 * What waits for the actions of a jail, in order. Full: of what comes then only the last state of each id is kept, without lines, so it
 * grows with the number of bans and not with their coming and going. A ban that ends while it waits there is never made, and its unban not
 * either; no other unban is ever lost.
 */
export class Backlog {
  readonly #options: BacklogOptions
  #queue: Work[] = []
  #head = 0
  readonly #folded = new Map<string, Folded>()
  #skipped = 0
  #isFull = false
  #textLength = 0

  constructor(options: BacklogOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#queue.length - this.#head + this.#folded.size
  }

  put(work: Work): void {
    if (work.kind === 'task') {
      this.#unfoldAll()
      this.#queue.push(work)
    } else if (this.#folded.size === 0 && this.#queue.length - this.#head < this.#options.waitingMax) {
      this.#queue.push(this.#slim(work))
    } else {
      if (!this.#isFull) this.#options.onFull()
      this.#isFull = true
      this.#fold(work)
    }
  }

  take(): Work | undefined {
    if (this.#head === this.#queue.length) this.#unfoldSome()
    const work = this.#queue[this.#head++]
    if (this.#head > 1024 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
    if (work === undefined) this.#head = this.#queue.length
    else this.#textLength -= textLength(work)
    return work
  }

  /** Forgets bans and prolongations that wait, for an end is near. Returns the ids of bans that are now never made. */
  dropBans(): Set<string> {
    this.#unfoldAll()
    const dropped = new Set<string>()
    const rest = this.#queue.slice(this.#head).filter((work) => {
      if (work.kind === 'task') return true
      if (work.kind === 'ban') dropped.add(work.ban.id)
      return work.kind === 'unban' && !dropped.delete(work.ban.id)
    })
    this.#queue = rest
    this.#head = 0
    this.#textLength = 0
    return dropped
  }

  /** Full of text: the lines of this ban are asked for when its turn comes. */
  #slim(event: BanEvent): BanEvent {
    const length = textLength(event)
    if (event.kind === 'ban' && this.#textLength + length > textLengthMax) return { ...event, record: undefined }
    this.#textLength += length
    return event
  }

  #fold(event: BanEvent): void {
    const { id, startMs, durationMs, count, isRestored = false } = event.ban
    const ban: BriefBan = { id, startMs, durationMs, count, isRestored }
    const folded = this.#folded.get(id) ?? {}
    this.#folded.set(id, folded)
    if (event.kind === 'ban') folded.ban = ban
    else if (event.kind === 'prolong') {
      if (folded.ban !== undefined) folded.ban = ban
      else folded.prolonged = ban
    } else {
      delete folded.prolonged
      const isMade = folded.ban === undefined
      if (!isMade) this.#skipped++
      delete folded.ban
      if (isMade || !this.#options.mayForget(id)) folded.unban = ban
    }
    if (folded.ban === undefined && folded.unban === undefined && folded.prolonged === undefined)
      this.#folded.delete(id)
  }

  /** NOTE: many at a time, because a Map from which the first entry is taken again and again is searched from its begin each time. */
  #unfoldSome(): void {
    let left = unfoldedAtOnce
    for (const [id, { unban, ban, prolonged }] of this.#folded) {
      if (left-- === 0) break
      this.#folded.delete(id)
      if (unban !== undefined) this.#queue.push({ kind: 'unban', ban: unban })
      if (ban !== undefined) this.#queue.push({ kind: 'ban', ban, record: undefined })
      if (prolonged !== undefined) this.#queue.push({ kind: 'prolong', ban: prolonged })
    }
    if (this.#folded.size > 0 || !this.#isFull) return
    this.#options.onCaughtUp(this.#skipped)
    this.#isFull = false
    this.#skipped = 0
  }

  #unfoldAll(): void {
    while (this.#folded.size > 0) this.#unfoldSome()
  }
}

function textLength(work: Work): number {
  return work.kind !== 'ban' || work.record === undefined ? 0 : textLengthOf(work.record)
}
