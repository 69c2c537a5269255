import { setImmediate } from 'node:timers/promises'
import type { Ip } from '../../domain/address.js'
import type { Clock } from '../../lib/clock.js'
import type { Parcel } from '../transport.js'
import { limitsByDefault } from '../trust/limits.js'
import type { NodeName } from '../word.js'
import { LineReader, type ReadLine } from './line-reader.js'

/** A ban that anybody may have written. */
export interface PlainTold {
  ip: Ip
  atMs: number
}

export interface IntakeOptions {
  /** Who we are: our own plain lines are no news. */
  node: NodeName
  /** Signed lines of others are taken for plain ones. */
  isPlain: boolean
  clock: Clock
  onParcel(parcel: Parcel, isLive: boolean): void
  onPlain(ban: PlainTold, isLive: boolean): void
}

/** So many lines are looked at in one turn of the event loop: each may cost a signature, a quarter of a millisecond. */
const linesPerTurn = 64
/** Text that waits. Full: what has waited for longest is dropped, and counted: bans that were told last run for longest. */
const waitingCharsMax = 8 << 20
/** What a jail on all ports writes (F2BDistro's own for the lines that it reads): an echo of a ban that stands in the log already. */
const allPorts = '0:65535'

interface Waiting {
  text: string
  /** Of the next line. */
  at: number
  isLive: boolean
  done?: () => void
}

/** Sorts the lines of a shared log: what is signed, what is plain, what is neither. Bounded in memory, and in the time it takes at once. */
export class Intake {
  readonly #options: IntakeOptions
  readonly #reader = new LineReader()
  /** Two plain lines of one second may be the same. */
  readonly #awaited = new Map<string, Set<() => void>>()
  #queue: Waiting[] = []
  #waitingChars = 0
  #isRunning = false
  #isClosed = false
  /** Lines, by what they were. `old`: plain ones whose time is over, or unknown; `over`: signed ones; `dropped`: chunks for which there was no room. */
  readonly counts = {
    signed: 0,
    plain: 0,
    echoes: 0,
    damaged: 0,
    doubtful: 0,
    old: 0,
    over: 0,
    other: 0,
    own: 0,
    dropped: 0,
  }

  constructor(options: IntakeOptions) {
    this.#options = options
  }

  /** `onSeen` is called when this line is read; the returned function ends that. */
  await(line: string, onSeen: () => void): () => void {
    const all = this.#awaited.get(line) ?? new Set()
    this.#awaited.set(line, all.add(onSeen))
    return () => {
      all.delete(onSeen)
      if (all.size === 0 && this.#awaited.get(line) === all) this.#awaited.delete(line)
    }
  }

  /** Whole lines, each with its end. */
  take(text: string, isLive: boolean): void {
    while (this.#waitingChars > 0 && this.#waitingChars + text.length > waitingCharsMax) this.#dropOldest()
    this.#waitingChars += text.length
    this.#queue.push({ text, at: 0, isLive })
    this.#run()
  }

  /** Called when everything so far has been looked at. */
  whenDone(done: () => void): void {
    this.#queue.push({ text: '', at: 0, isLive: true, done })
    this.#run()
  }

  close(): void {
    this.#isClosed = true
  }

  #dropOldest(): void {
    const oldest = this.#queue.find(({ text }) => text !== '')
    if (oldest === undefined) return
    this.#waitingChars -= oldest.text.length
    oldest.text = ''
    this.counts.dropped++
  }

  /** The first lines at once: a single ban does not wait. */
  #run(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    void this.#work()
  }

  async #work(): Promise<void> {
    let left = linesPerTurn
    for (let [first] = this.#queue; first !== undefined && !this.#isClosed; [first] = this.#queue) {
      if (first.at < first.text.length) {
        this.#readNext(first)
        left--
      } else {
        this.#waitingChars -= first.text.length
        this.#queue.shift()
        first.done?.()
      }
      if (left > 0) continue
      await setImmediate()
      left = linesPerTurn
    }
    this.#isRunning = false
  }

  #readNext(waiting: Waiting): void {
    const { text, at, isLive } = waiting
    const end = text.indexOf('\n', at)
    const line = text.slice(at, end < 0 ? text.length : end)
    waiting.at = at + line.length + 1
    if (line === '') return
    const awaited = this.#awaited.get(line)
    const nowMs = this.#options.clock.now()
    this.#sort(this.#reader.read(line, nowMs), { isLive, isOwn: awaited !== undefined, nowMs })
    for (const seen of [...(awaited ?? [])]) seen()
  }

  #sort(read: ReadLine, about: About): void {
    switch (read.kind) {
      case 'signed':
        this.#sortSigned(read, about)
        break
      case 'plain':
        this.#sortPlain(read, about)
        break
      case 'damaged':
      case 'doubtful':
      case 'other':
        this.counts[read.kind]++
        break
      default:
        read satisfies never
    }
  }

  #sortSigned({ parcel, ban }: ReadLine & { kind: 'signed' }, { isLive, nowMs }: About): void {
    const { isPlain, onParcel } = this.#options
    if (ban?.untilMs !== undefined && ban.untilMs <= nowMs) this.counts.over++
    else if (!isPlain) {
      this.counts.signed++
      onParcel(parcel, isLive)
    } else if (ban !== undefined && ban.ip.prefix === ban.ip.bytes.length * 8) {
      this.#tellPlain({ ip: ban.ip, timeMs: ban.atMs }, { isLive, nowMs })
    } else this.counts.other++
  }

  #sortPlain(read: ReadLine & { kind: 'plain' }, about: About): void {
    if (about.isOwn || read.tag === `tocsin.${this.#options.node}`) this.counts.own++
    else if (read.port === allPorts) this.counts.echoes++
    else this.#tellPlain(read, about)
  }

  /** A time in the future, or none, is that of the line's arrival, if we have seen it arrive. */
  #tellPlain({ ip, timeMs }: { ip: Ip; timeMs: number | undefined }, { isLive, nowMs }: Omit<About, 'isOwn'>): void {
    const isKnown = timeMs !== undefined && timeMs <= nowMs
    const atMs = isKnown ? timeMs : isLive ? nowMs : undefined
    if (atMs === undefined || atMs + limitsByDefault.anonymous.durationMsMax <= nowMs) {
      this.counts.old++
      return
    }
    this.counts.plain++
    this.#options.onPlain({ ip, atMs }, isLive)
  }
}

interface About {
  isLive: boolean
  /** We have written it ourselves. */
  isOwn: boolean
  nowMs: number
}
