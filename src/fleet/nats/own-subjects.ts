import { createHash } from 'node:crypto'
import type { Clock } from '../../lib/clock.js'
import { keepNewest } from '../../lib/keep-newest.js'
import type { Parcel } from '../transport.js'
import type { NodeName } from '../word.js'

/** Messages of ours that are remembered: the last of each subject, and that they are ours. */
const rememberedMax = 4096
/** Others can make us repeat ourselves so often; more is left to the next snapshot. */
const repeatsPerSecond = 10

/** What this process has told, to know what stands in its place (fleet-research B.9: permissions of the broker can be gone around). */
export class OwnSubjects {
  readonly #node: NodeName
  readonly #clock: Clock
  /** By subject. Full: the oldest is forgotten; what is forged there is still refused by everybody, and our snapshot repairs it. */
  readonly #told = new Map<string, Parcel>()
  readonly #digests = new Set<string>()
  #repeats = 0
  #second = 0

  constructor(node: NodeName, clock: Clock) {
    this.#node = node
    this.#clock = clock
  }

  told(parcel: Parcel): void {
    this.#told.delete(parcel.subject)
    this.#told.set(parcel.subject, parcel)
    this.#digests.add(digestOf(parcel))
    keepNewest(this.#told, rememberedMax)
    keepNewest(this.#digests, 2 * rememberedMax)
  }

  /** Whether it stands on a subject that is ours alone, and we have not told it. */
  isForeign(parcel: Parcel): boolean {
    const [kind, second, third] = parcel.subject.split('.')
    const owner = kind === 'sight' ? third : second
    const isOurs = (kind === 'bans' || kind === 'sight' || kind === 'hb') && owner === this.#node
    return isOurs && !this.#digests.has(digestOf(parcel))
  }

  /** What to tell again on this subject; undefined: nothing that we know, or not now. */
  repeat(subject: string): Parcel | undefined {
    const told = this.#told.get(subject)
    const second = Math.floor(this.#clock.now() / 1000)
    if (second !== this.#second) this.#repeats = 0
    this.#second = second
    if (told === undefined || ++this.#repeats > repeatsPerSecond) return undefined
    return told
  }
}

function digestOf({ subject, body }: Parcel): string {
  return createHash('sha256').update(subject).update('\n').update(body).digest('base64')
}
