import type { Log } from '../lib/log.js'

/** Lines of one jail that are written one by one; a million of them would be 100 MB at every start and stop. */
const singlyMax = 10_000

/** What is said of very many bans at once: each in a line of its own, and beyond some thousands of a jail only how many. */
export class ManyLines {
  readonly #log: Log
  readonly #counts = new Map<string, number>()

  constructor(log: Log) {
    this.#log = log
  }

  write(jail: string, text: string): void {
    const count = (this.#counts.get(jail) ?? 0) + 1
    this.#counts.set(jail, count)
    if (count <= singlyMax) this.#log.write('NOTICE', 'actions', `[${jail}] ${text}`)
  }

  /** `what`: as in `990000 more bans restored`. */
  end(what: string): void {
    for (const [jail, count] of this.#counts)
      if (count > singlyMax) this.#log.write('NOTICE', 'actions', `[${jail}] ${count - singlyMax} ${what}`)
  }
}
