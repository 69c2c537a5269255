import type { SourceStatus } from '../api/operations.js'
import type { ReadPosition } from '../domain/read-position.js'
import type { Clock } from '../lib/clock.js'
import type { Log } from '../lib/log.js'
import type { LineMatcher } from '../match/line-matcher.js'
import { followJournal, type JournalState, type JournalTail, journalName } from '../source/journal.js'
import type { JournalSource, JournalStart } from '../source/journal-command.js'
import { type JournalPosition, journalRows, journalStart } from '../source/journal-position.js'
import type { JailUnit } from './jails.js'
import type { Listener, Pipeline } from './pipeline.js'

export interface JournalFollowersOptions {
  clock: Clock
  log: Log
  pipeline: Pipeline
  storedPosition(jail: string, path: string): ReadPosition | undefined
  onPosition(jail: string, path: string, position: ReadPosition): void
}

/** One journalctl, for the jails that listen to it. */
interface Follower {
  source: JournalSource
  tail: JournalTail
  listeners: readonly Listener[]
}

/** Follows the journal for all jails that read it. Jails that ask for the same entries from the same place on share one journalctl. */
export class JournalFollowers {
  readonly #options: JournalFollowersOptions
  readonly #followers = new Map<string, Follower>()

  constructor(options: JournalFollowersOptions) {
    this.#options = options
  }

  add(unit: JailUnit, matcher: LineMatcher, source: JournalSource): void {
    const { clock, storedPosition } = this.#options
    this.#tellMatches(unit.name, source)
    const nowMs = clock.now()
    const earliestMs = nowMs - unit.config.jail.findTimeMs
    const start = journalStart(source, (path) => storedPosition(unit.name, path), { earliestMs, nowMs })
    const place =
      start.cursor ?? (start.sinceMs > earliestMs ? start.sinceMs : ['find time', unit.config.jail.findTimeMs])
    const key = JSON.stringify([source, place])
    const known = this.#followers.get(key)
    const listener = { unit, matcher }
    if (known !== undefined && known.tail.stats.entriesRead === 0) known.listeners = [...known.listeners, listener]
    else this.#follow(known === undefined ? key : `${key} ${nowMs} ${unit.name}`, { source, start, listener })
  }

  async remove(unit: JailUnit): Promise<void> {
    for (const [key, follower] of this.#followers) {
      follower.listeners = follower.listeners.filter((listener) => listener.unit !== unit)
      if (follower.listeners.length > 0) continue
      this.#followers.delete(key)
      await follower.tail.close()
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#followers.values()].map(({ tail }) => tail.close()))
    this.#followers.clear()
  }

  /** Of the journal the offset is the number of entries that were read. */
  statusOf(jail: string): SourceStatus[] {
    return [...this.#followers.values()]
      .filter(({ listeners }) => listeners.some(({ unit }) => unit.name === jail))
      .map(({ source, tail }) => {
        const { state, entriesRead, entriesSkippedTooLong } = tail.stats
        return { path: journalName(source), state, linesSkippedTooLong: entriesSkippedTooLong, offset: entriesRead }
      })
  }

  #follow(
    key: string,
    { source, start, listener }: { source: JournalSource; start: JournalStart; listener: Listener },
  ): void {
    const { clock, log, pipeline } = this.#options
    const follower: Follower = {
      source,
      listeners: [listener],
      tail: followJournal({
        source,
        start,
        clock,
        log,
        onEntries: (entries, position) => {
          pipeline.takeEntries(entries, follower.listeners)
          this.#keep(follower, position)
        },
        onState: (state) => this.#tellState(follower, state),
      }),
    }
    this.#followers.set(key, follower)
  }

  #keep({ source, listeners }: Follower, position: JournalPosition): void {
    const rows = journalRows(source, position)
    for (const { unit } of listeners) for (const [path, row] of rows) this.#options.onPosition(unit.name, path, row)
  }

  #tellMatches(jail: string, { matches }: JournalSource): void {
    const { log } = this.#options
    if (matches.length === 0) {
      const text = "Jail started without 'journalmatch' set. Jail regexs will be checked against all journal entries"
      log.write('NOTICE', 'filtersystemd', `[${jail}] ${text}, which is not advised for performance reasons.`)
    }
    for (const line of matches)
      log.write('INFO', 'filtersystemd', `[${jail}] Added journal match for: '${line.join(' ')}'`)
  }

  #tellState({ listeners }: Follower, state: JournalState): void {
    if (state !== 'live') return
    for (const { unit } of listeners) {
      const text = `[${unit.name}] Jail is in operation now (process new journal entries)`
      this.#options.log.write('INFO', 'filtersystemd', text)
    }
  }
}
