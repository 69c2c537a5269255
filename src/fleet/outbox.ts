import type { KeyObject } from 'node:crypto'
import type { Clock } from '../lib/clock.js'
import type { Log } from '../lib/log.js'
import { seal, wordsMax } from './message/message.js'
import type { Parcel, Transport } from './transport.js'
import type { NodeName, Word } from './word.js'
import { batchSubjectOf, type Group, groupOf, wordOf } from './word-group.js'

/** A word before it has its number, and its node. */
export type Unsaid = Word extends infer W ? (W extends Word ? Omit<W, 'node' | 'seq'> : never) : never

/** What is to be told, kept over restarts (store/outbox). */
export interface OutboxRows {
  pending(afterSeq: number, rowsLimit: number): { seq: number; text: string }[]
  remove(ranges: readonly { from: number; to: number }[]): void
  /** Number of the last that was ever put in; 0: none. */
  readonly lastSeq: number
}

export interface OutboxOptions {
  rows: OutboxRows
  transport: Pick<Transport, 'publish'>
  fleet: string
  node: NodeName
  key: KeyObject
  clock: Clock
  log: Log
  /** Beyond this rate words wait, and share a message: up to 128 of them. */
  messagesPerSecond?: number
  /** At most; missing: as many as a message holds. */
  wordsPerMessage?: number
}

/** As a row of the outbox: what `bans.add` is given to `tell`. */
export function rowOf(word: Unsaid): string {
  return JSON.stringify(word)
}

/** Messages without an answer at once. More wait: a broker without a leader must not fill our memory. */
const inFlightMax = 64
const retryMs = 500
/** Unanswered messages that do not make the next one wait, and what each makes it wait if there are more. */
const freeMessages = 4
const lingerMs = 5
/** Rows that were told leave the table together: each time costs a write to the disk. */
const removeAfterMs = 100
const messagesPerSecondDefault = 200
const burstMessages = 50

/**
 * Tells what is in the outbox, in order, each message until it is kept. A word may be told again after a crash (in other company): its
 * number makes that harmless. Where the last word on an address is kept, no earlier one is told again after a later one: then it goes
 * where batches do.
 */
export class OutboxDrain {
  readonly #options: OutboxOptions
  #isOn = false
  #isClosed = false
  /** The last number that is on its way or told. */
  #takenSeq = 0
  #inFlight = 0
  #toldAtMs = 0
  #told: { from: number; to: number }[] = []
  #cancelRemove: (() => void) | undefined
  #cancelLater: (() => void) | undefined
  #tokens = burstMessages
  #tokensAtMs: number
  readonly #retries = new Set<() => void>()
  /** Up to this one an earlier process may have told words, and later ones than them. */
  readonly #formerSeq: number
  /** The last on its way on each subject. */
  readonly #onSubject = new Map<string, Group>()

  constructor(options: OutboxOptions) {
    this.#options = options
    this.#formerSeq = options.rows.lastSeq
    this.#tokensAtMs = options.clock.now()
  }

  /** There is a way to the others. */
  resume(): void {
    this.#isOn = true
    // Older words first: receivers let words overtake one another only so far.
    if (this.#retries.size > 0) this.#options.clock.after(1, () => this.wake())
    else this.wake()
    for (const retry of [...this.#retries]) retry()
  }

  pause(): void {
    this.#isOn = false
  }

  /** Something has been put into the outbox. */
  wake(): void {
    while (this.#isOn && !this.#isClosed && this.#inFlight < inFlightMax) {
      if (this.#cancelLater !== undefined) return
      const waitMs = this.#lingerMs() ?? (this.#takeToken() ? undefined : 1000 / this.#rate)
      if (waitMs !== undefined) {
        this.#wakeLater(waitMs)
        return
      }
      const group = this.#next()
      if (group === undefined) {
        this.#tokens++
        return
      }
      this.#takenSeq = group.to
      this.#toldAtMs = this.#options.clock.now()
      void this.#tell(group)
    }
  }

  /** What is told is removed; what is on its way is told again at the next start. */
  close(): void {
    this.#isClosed = true
    this.#cancelLater?.()
    for (const cancel of this.#retries) cancel()
    this.#removeTold()
  }

  get #rate(): number {
    return this.#options.messagesPerSecond ?? messagesPerSecondDefault
  }

  /**
   * How long the next words wait for company; undefined: not at all. The more is unanswered the longer: in a burst a message saves everybody
   * signatures, and while the broker keeps nothing (no leader) what is said now still goes out now.
   */
  #lingerMs(): number | undefined {
    if (this.#inFlight < freeMessages) return undefined
    const leftMs = this.#toldAtMs + lingerMs * this.#inFlight - this.#options.clock.now()
    return leftMs > 0 ? Math.min(leftMs, lingerMs * this.#inFlight) : undefined
  }

  #wakeLater(waitMs: number): void {
    this.#cancelLater = this.#options.clock.after(waitMs, () => {
      this.#cancelLater = undefined
      this.wake()
    })
  }

  #takeToken(): boolean {
    const nowMs = this.#options.clock.now()
    const grown = (Math.max(0, nowMs - this.#tokensAtMs) / 1000) * this.#rate
    this.#tokens = Math.min(burstMessages, this.#tokens + grown)
    this.#tokensAtMs = nowMs
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }

  /** The next words that belong on one subject; undefined: there are none. */
  #next(): Group | undefined {
    const { rows, node, log, wordsPerMessage = wordsMax } = this.#options
    try {
      for (;;) {
        const pending = rows.pending(this.#takenSeq, wordsPerMessage)
        const [first] = pending
        if (first === undefined) return undefined
        const words = pending.map(({ seq, text }) => wordOf(text, { seq, node }))
        const [head] = words
        if (head !== undefined) return groupOf(words, head, { node, formerSeq: this.#formerSeq })
        // Not a word of ours: an older or newer version wrote it. Nobody would understand it.
        log.write('ERROR', 'fleet', `Row ${first.seq} of the outbox is not a word; it is not told`)
        this.#takenSeq = first.seq
        this.#onTold({ from: first.seq, to: first.seq })
      }
    } catch (error) {
      log.write('ERROR', 'fleet', `Cannot read what is to be told: ${String(error)}`)
      return undefined
    }
  }

  async #tell(group: Group): Promise<void> {
    const { transport, node, log } = this.#options
    this.#inFlight++
    const { subject, from, to } = group
    this.#onSubject.set(subject, group)
    let parcel = this.#sealed(group, subject)
    for (let tries = 0; !this.#isClosed; tries++) {
      try {
        await transport.publish(parcel)
        this.#onTold({ from, to })
        break
      } catch (error) {
        if (tries === 0 && this.#isOn) log.write('INFO', 'fleet', `Not told yet: ${String(error)}`)
        await this.#wait(retryMs)
        if (this.#isOvertaken(group)) parcel = this.#sealed(group, batchSubjectOf(from, node))
      }
    }
    if (!this.#isOvertaken(group)) this.#onSubject.delete(subject)
    this.#inFlight--
    if (this.#inFlight < freeMessages) {
      this.#cancelLater?.()
      this.#cancelLater = undefined
    }
    this.wake()
  }

  #sealed({ words }: Group, subject: string): Parcel {
    const { fleet, node, key } = this.#options
    return { subject, body: seal(words, { fleet, subject, node, key }) }
  }

  /** Something later is on its way where it belongs, or has been told. */
  #isOvertaken(group: Group): boolean {
    return group.road === 'bans' && this.#onSubject.get(group.subject) !== group
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#retries.delete(end)
        resolve()
      }
      const cancel = this.#options.clock.after(delayMs, done)
      const end = () => {
        cancel()
        done()
      }
      this.#retries.add(end)
    })
  }

  #onTold(range: { from: number; to: number }): void {
    this.#told.push(range)
    this.#cancelRemove ??= this.#options.clock.after(removeAfterMs, () => this.#removeTold())
  }

  #removeTold(): void {
    this.#cancelRemove?.()
    this.#cancelRemove = undefined
    const told = this.#told.splice(0)
    try {
      if (told.length > 0) this.#options.rows.remove(told)
    } catch (error) {
      // They stay, and are told once more at the next start, which has no effect.
      this.#options.log.write('ERROR', 'fleet', `Cannot empty the outbox: ${String(error)}`)
    }
  }
}
