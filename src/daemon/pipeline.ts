import type { Bans } from '../bans/bans.js'
import type { Sessions } from '../bans/sessions.js'
import type { Failure } from '../domain/failure.js'
import type { Jail } from '../jail/jail.js'
import type { Clock } from '../lib/clock.js'
import type { Log } from '../lib/log.js'
import { localDateTime } from '../lib/log-writer.js'
import type { LineMatcher } from '../match/line-matcher.js'
import type { Chunk } from '../source/file-tail.js'

/** The rooms a line passes through. */
export interface Rooms {
  clock: Clock
  log: Log
  sessions: Sessions
  bans: Bans
}

/** One jail's interest in one source. */
export interface Listener {
  jail: Jail
  matcher: LineMatcher
}

/**
 * The way of a line through the house: a chunk of a source → for each jail that listens, the failures in it → counted → a ban.
 * Synchronous up to `bans.enact`; what that starts is asynchronous and durable.
 */
export class Pipeline {
  readonly #rooms: Rooms

  constructor(rooms: Rooms) {
    this.#rooms = rooms
  }

  take(chunk: Chunk, listeners: readonly Listener[]): void {
    const nowMs = this.#rooms.clock.now()
    // Logins first: somebody who mistyped his password and then got in must not be banned for it.
    this.#rooms.sessions.learn(chunk.text)
    for (const { jail, matcher } of listeners) {
      matcher.scan(chunk.text, { nowMs, live: chunk.live }, (failure) => this.judge(jail, failure))
    }
  }

  /** Counts one failure and bans when the jail says so. */
  judge(jail: Jail, failure: Failure): void {
    const { clock, log, bans } = this.#rooms
    const judgement = jail.judge(failure, clock.now())
    if (judgement.kind === 'ignored') {
      log.write('INFO', 'filter', `[${jail.spec.name}] Ignore ${failure.id} by ${judgement.by}`)
      return
    }
    if (log.isOn('INFO'))
      log.write('INFO', 'filter', `[${jail.spec.name}] Found ${failure.id} - ${localDateTime(failure.timeMs)}`)
    if (judgement.kind === 'ban') bans.enact(judgement.ban)
  }
}
