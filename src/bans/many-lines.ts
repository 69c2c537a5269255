import type { Log } from '../lib/log.js'

/** Lines of one jail that are written one by one; a million of them would be 100 MB at every start and stop. */
const singlyMax = 10_000

/** What is said of very many bans at once: each in a line of its own, and beyond some thousands of a jail only how many. */
export class ManyLines {
  readonly #log: Log
  readonly #counts = new Map<string, { lines: number }>()

  constructor(log: Log) {
    this.#log = log
  }

  /** `Restore Ban`, and who. They become one text only if it is written. */
  write(jail: string, words: string, id: string): void {
    const count = this.#counts.get(jail) ?? { lines: 0 }
    if (count.lines === 0) this.#counts.set(jail, count)
    if (++count.lines <= singlyMax) this.#log.write('NOTICE', 'actions', `[${jail}] ${words} ${id}`)
  }

  /** `what`: as in `990000 more bans restored`. */
  end(what: string): void {
    for (const [jail, { lines }] of this.#counts)
      if (lines > singlyMax) this.#log.write('NOTICE', 'actions', `[${jail}] ${lines - singlyMax} ${what}`)
  }
}
