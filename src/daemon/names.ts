import { lookup } from 'node:dns/promises'
import { type Ip, parseIp } from '../domain/address.js'
import type { Clock } from '../lib/clock.js'
import { messageOf } from '../lib/error-message.js'
import type { Log } from '../lib/log.js'

const refreshMs = 300_000
const namesMax = 1000

/**
 * The addresses behind the names that an operator wrote down (`ignoreip`), asked for at the start and every five minutes. An
 * answer that fails to come leaves the last good one in force.
 */
export class Names {
  readonly #clock: Clock
  readonly #log: Log
  readonly #known = new Map<string, readonly Ip[]>()
  #cancel: (() => void) | undefined

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  /** From the cache; undefined when the name has not been resolved. Full: further names are never resolved, and that is logged. */
  get(name: string): readonly Ip[] | undefined {
    return this.#known.get(name)
  }

  /** Resolves these names and keeps them fresh. Resolves when each has been asked for once. */
  async keep(names: readonly string[]): Promise<void> {
    for (const name of names) if (this.#known.size < namesMax && !this.#known.has(name)) this.#known.set(name, [])
    await this.#refresh()
  }

  close(): void {
    this.#cancel?.()
    this.#known.clear()
  }

  async #refresh(): Promise<void> {
    this.#cancel?.()
    await Promise.all([...this.#known.keys()].map((name) => this.#resolve(name)))
    if (this.#known.size > 0) this.#cancel = this.#clock.after(refreshMs, () => void this.#refresh())
  }

  async #resolve(name: string): Promise<void> {
    try {
      const answers = await lookup(name, { all: true })
      if (this.#known.has(name))
        this.#known.set(
          name,
          answers.flatMap(({ address }) => parseIp(address) ?? []),
        )
    } catch (error) {
      const reason = messageOf(error)
      this.#log.write('WARNING', 'ipdns', `Unable to find a corresponding IP address for ${name}: ${reason}`)
    }
  }
}
