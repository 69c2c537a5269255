import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type Remembered, recalled, rememberedText } from '../../fleet/remembered.js'
import { messageOf } from '../../lib/error-message.js'
import type { Log } from '../../lib/log.js'
import { readPlainFile } from '../../lib/plain-file.js'

/** As many members as there can be make some 10 MB. */
const fileBytesMax = 64 << 20

/** How far members have counted, who did not behave and who is out, kept over restarts. */
export class MembersFile {
  readonly #path: string
  readonly #log: Log

  constructor(path: string, log: Log) {
    this.#path = path
    this.#log = log
  }

  /** Undefined: there is none, or none of ours, which is told: it makes a word have effect twice, and forgives whoever misbehaved. */
  read(): Remembered | undefined {
    if (!existsSync(this.#path)) return undefined
    const remembered = recalled(readPlainFile(this.#path, { bytesMax: fileBytesMax }).toString())
    if (remembered === undefined)
      this.#log.write(
        'ERROR',
        'fleet',
        `Cannot read ${this.#path}: it is damaged. Who was in quarantine is not any more`,
      )
    return remembered
  }

  /** Replaces it at once or not at all. What cannot be written is told, and written the next time. */
  write(known: Parameters<typeof rememberedText>[0], nowMs: number): void {
    try {
      mkdirSync(path.dirname(this.#path), { recursive: true, mode: 0o700 })
      writeFileSync(`${this.#path}.new`, rememberedText(known, nowMs), { mode: 0o600 })
      renameSync(`${this.#path}.new`, this.#path)
    } catch (error) {
      this.#log.write('WARNING', 'fleet', `Cannot write ${this.#path}: ${messageOf(error)}`)
    }
  }
}
