import { statSync } from 'node:fs'
import { type IgnoreEntry, parseIgnoreEntry } from '../jail/ignore-list.js'
import type { Clock } from '../lib/clock.js'
import { messageOf } from '../lib/error-message.js'
import type { Log } from '../lib/log.js'
import { readPlainFile } from '../lib/plain-file.js'

const lookAgainMs = 1000
const listBytesMax = 16 << 20

interface KnownList {
  entries: readonly IgnoreEntry[]
  lookedMs: number
  stamp: string
}

/**
 * The `file:` lists of `ignoreip` (spec 3.9): words separated by blanks or commas, `#` and `;` begin comments. Looked at again at most
 * every second; a list that cannot be read keeps what it had.
 */
export class AddressLists {
  readonly #clock: Clock
  readonly #log: Log
  readonly #lists = new Map<string, KnownList>()

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  entries(path: string): readonly IgnoreEntry[] {
    const known = this.#lists.get(path) ?? { entries: [], lookedMs: Number.NEGATIVE_INFINITY, stamp: '' }
    const nowMs = this.#clock.now()
    if (Math.abs(nowMs - known.lookedMs) < lookAgainMs) return known.entries
    known.lookedMs = nowMs
    this.#lists.set(path, known)
    try {
      const { mtimeMs, ino, size } = statSync(path)
      const stamp = `${mtimeMs} ${ino} ${size}`
      if (stamp === known.stamp) return known.entries
      known.entries = parseList(readPlainFile(path, { bytesMax: listBytesMax }).toString())
      known.stamp = stamp
    } catch (error) {
      if (known.stamp !== 'failed')
        this.#log.write('WARNING', 'ipdns', `Retrieving IPs set from '${path}' failed: ${messageOf(error)}`)
      known.stamp = 'failed'
    }
    return known.entries
  }
}

function parseList(text: string): IgnoreEntry[] {
  const words = text.split('\n').flatMap((line) => line.replace(/[#;].*/, '').split(/[\s,]+/))
  return words
    .filter(Boolean)
    .map(parseIgnoreEntry)
    .filter((entry) => entry.kind !== 'file')
}
