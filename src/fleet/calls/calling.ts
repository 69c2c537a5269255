import { randomBytes } from 'node:crypto'
import type { Clock } from '../../lib/clock.js'
import { parseSubject } from '../message/subject.js'
import type { Parcel } from '../transport.js'
import type { NodeName } from '../word.js'
import { type Answer, type CallOpening, type CallSigner, type DrillOrder, newCall, openAnswer } from './call.js'

export interface CallingOptions extends CallOpening, Omit<CallSigner, 'atMs'> {
  clock: Clock
  publish(parcel: Parcel): Promise<void>
  /** Each that is believed, also when nobody waits for it any more. */
  onAnswer(node: NodeName, answered: Answered): void
}

export interface Answered extends Omit<Answer, 'of'> {
  /** From the call to its arrival, by our own clock. */
  afterMs: number
}

interface Pending {
  fromMs: number
  answers: Map<NodeName, Answered>
  expected: ReadonlySet<NodeName>
  /** Bodies that came in the name of each, so that nobody can have us verify signatures without end. */
  tries: Map<NodeName, number>
  /** Everybody has answered. */
  done(): void
}

/** Further ones are refused. */
const pendingMax = 32
/** So long who answers late is still heard, if only for the next look. */
const lateMs = 5000
const triesMax = 4

/** Asks all other machines, and gathers what they answer. */
export class Calling {
  readonly #options: CallingOptions
  readonly #pending = new Map<string, Pending>()

  constructor(options: CallingOptions) {
    this.#options = options
  }

  /** Resolves when all `expected` have answered, or after `patienceMs`, with all answers by then. Rejects when it cannot be told. */
  async call({ drill, expected, patienceMs }: CallWish): Promise<ReadonlyMap<NodeName, Answered>> {
    if (this.#pending.size >= pendingMax) throw new Error('Cannot ask the others: too much is asked at once')
    const { publish, clock, fleet, node, key } = this.#options
    const id = randomBytes(12).toString('base64url')
    const answers = new Map<NodeName, Answered>()
    const over = new Promise<void>((done) => {
      clock.after(patienceMs, done)
      clock.after(patienceMs + lateMs, () => this.#pending.delete(id))
      this.#pending.set(id, { fromMs: performance.now(), answers, expected, tries: new Map(), done })
    })
    // NOTE: in a file it takes until it has been read again; answers may be there before.
    const published = publish(newCall({ id, drill }, { fleet, node, key, atMs: clock.now() }))
    await Promise.race([over, published.then(() => (expected.size === 0 ? undefined : over))])
    return new Map(answers)
  }

  /** Anything from `answer.…`: an answer of a member to a call of ours, its first one, or nothing. */
  hear(parcel: Parcel): void {
    const subject = parseSubject(parcel.subject)
    if (subject?.kind !== 'answer' || subject.to !== this.#options.node) return
    const { node } = subject
    const open = [...this.#pending.values()].filter(({ answers, tries }) => {
      return !answers.has(node) && (tries.get(node) ?? 0) < triesMax
    })
    if (open.length === 0) return
    for (const { tries } of open) tries.set(node, (tries.get(node) ?? 0) + 1)
    const opened = openAnswer(parcel, this.#options)
    if ('refused' in opened) return
    const { of, ...answer } = opened.answer
    const pending = this.#pending.get(of)
    if (pending === undefined || pending.answers.has(node)) return
    const answered = { ...answer, afterMs: performance.now() - pending.fromMs }
    pending.answers.set(node, answered)
    this.#options.onAnswer(node, answered)
    if ([...pending.expected].every((name) => pending.answers.has(name))) pending.done()
  }
}

export interface CallWish {
  drill?: DrillOrder | undefined
  expected: ReadonlySet<NodeName>
  patienceMs: number
}
