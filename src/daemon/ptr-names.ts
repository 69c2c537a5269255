import { reverse } from 'node:dns/promises'
import type { Clock } from '../lib/clock.js'
import { keepNewest } from '../lib/keep-newest.js'

/** As long as Fail2ban remembers an answer. */
const ageMsMax = 300_000
const namesMax = 1000

/** Names of addresses (PTR), for the tag `<ip-host>`. Whoever owns an address says what it is called: hostile text. */
export class PtrNames {
  readonly #clock: Clock
  readonly #known = new Map<string, { name: Promise<string | undefined>; askedMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Undefined when it has none, or nobody answers. */
  of(ip: string): Promise<string | undefined> {
    const nowMs = this.#clock.now()
    const known = this.#known.get(ip)
    if (known !== undefined && nowMs - known.askedMs < ageMsMax) return known.name
    const name = reverse(ip).then(
      (names) => names[0],
      () => undefined,
    )
    this.#known.delete(ip)
    this.#known.set(ip, { name, askedMs: nowMs })
    keepNewest(this.#known, namesMax)
    return name
  }
}
