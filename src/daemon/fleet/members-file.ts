import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { type Remembered, recalled, rememberedText } from '../../fleet/remembered.js'
import type { Sequences } from '../../fleet/sequence.js'
import type { Judge } from '../../fleet/trust/judge.js'
import type { Log } from '../../lib/log.js'

/** How far members have counted, and who did not behave, kept over restarts. */
export class MembersFile {
  readonly #path: string
  readonly #log: Log

  constructor(path: string, log: Log) {
    this.#path = path
    this.#log = log
  }

  /** Undefined: there is none, or none of ours. */
  read(): Remembered | undefined {
    return existsSync(this.#path) ? recalled(readFileSync(this.#path, 'utf8')) : undefined
  }

  /** Replaces it at once or not at all. What cannot be written is told, and written the next time. */
  write(known: { sequences: Sequences; judge: Judge }, nowMs: number): void {
    try {
      writeFileSync(`${this.#path}.new`, rememberedText(known, nowMs), { mode: 0o600 })
      renameSync(`${this.#path}.new`, this.#path)
    } catch (error) {
      this.#log.write('WARNING', 'fleet', `Cannot write ${this.#path}: ${String(error)}`)
    }
  }
}
