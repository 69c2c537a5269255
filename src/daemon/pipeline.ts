import type { Bans } from '../bans/bans.js'
import type { Sessions } from '../bans/sessions.js'
import type { Failure } from '../domain/failure.js'
import type { IgnoreCommand } from '../jail/ignore-command.js'
import type { Clock } from '../lib/clock.js'
import type { Log } from '../lib/log.js'
import { localDateTime } from '../lib/log-writer.js'
import { threadCpuMs } from '../lib/thread-cpu.js'
import type { Success } from '../match/finding.js'
import { Fuse } from '../match/fuse.js'
import type { LineMatcher } from '../match/line-matcher.js'
import type { Survey } from '../match/survey.js'
import { type Reading, readEntriesTogether, readTogether } from '../match/together.js'
import type { Chunk } from '../source/file-tail.js'
import type { JournalEntry } from '../source/journal-entry.js'
import { carryOut } from './enact-verdict.js'
import type { FleetPart } from './fleet/fleet-part.js'
import { HostNames } from './host-names.js'
import type { JailUnit } from './jails.js'

/** The rooms a line passes through. */
export interface Rooms {
  clock: Clock
  log: Log
  sessions: Sessions
  bans: Bans
  hostNames: HostNames
  /** Others who may want to know; undefined: there are none. */
  fleet(): Pick<FleetPart, 'counted'> | undefined
}

/** One jail's interest in one source. */
export interface Listener {
  unit: JailUnit
  matcher: LineMatcher
}

/** Sessions looks for logins only in texts that hold it. */
export const acceptedWord = ': Accepted '

/**
 * The way of a line through the house: a chunk of a source → for each jail that listens, the failures in it → counted → a ban.
 * Synchronous up to `bans.enact`; what that starts is asynchronous and durable.
 */
export class Pipeline {
  /** Stops patterns that take too long; matchers of the pipeline use it too. */
  readonly fuse = new Fuse(threadCpuMs)
  readonly #rooms: Rooms
  #lastMs = Number.NaN
  #lastDate = ''

  constructor(rooms: Rooms) {
    this.#rooms = rooms
  }

  take({ lines, live }: Chunk, listeners: readonly Listener[], survey: Survey): void {
    const nowMs = this.#rooms.clock.now()
    // Logins first: somebody who mistyped his password and then got in must not be banned for it.
    const { candidates, hasWord } = survey.look(lines)
    if (hasWord ?? lines.text.includes(acceptedWord)) this.#rooms.sessions.learn(lines.text)
    readTogether(this.#readings(listeners), lines, candidates, { nowMs, live, fuse: this.fuse })
  }

  /** As `take`, for entries of the journal, whose times are known. */
  takeEntries(entries: readonly JournalEntry[], listeners: readonly Listener[]): void {
    const { clock, sessions } = this.#rooms
    const nowMs = clock.now()
    for (const { text, timeMs } of entries) {
      if (text.includes(acceptedWord)) sessions.learn(`${new Date(timeMs).toISOString()} ${text}\n`)
    }
    readEntriesTogether(this.#readings(listeners), entries, { nowMs, fuse: this.fuse })
  }

  #readings(listeners: readonly Listener[]): Reading[] {
    return listeners.map(({ unit, matcher }) => ({ matcher, onFailure: (failure) => this.judge(unit, failure) }))
  }

  /** Counts one failure and bans when the jail says so; at once, unless somebody has to be asked first. */
  judge(unit: JailUnit, failure: Failure): void {
    const name = HostNames.pendingName(failure.id)
    if (name !== undefined) void this.#judgeName(unit, failure, name)
    else if (unit.ignoreCommand !== undefined) void this.#judgeUnlessIgnored(unit, failure, unit.ignoreCommand)
    else this.#count(unit, failure)
  }

  /** A line of `successregex`: who got in is forgiven what he mistyped before. */
  succeed(unit: JailUnit, success: Success): void {
    const { log } = this.#rooms
    if (!unit.jail.succeed(success) || !log.isOn('INFO')) return
    const user = unit.config.jail.successBy === 'user' ? ` for user ${success.user}` : ''
    log.write('INFO', 'filter', `[${unit.name}] Forgive ${success.id}${user}, success`)
  }

  /** One failure for each address of the name, as Fail2ban has it. */
  async #judgeName(unit: JailUnit, failure: Failure, name: string): Promise<void> {
    const addresses = await this.#rooms.hostNames.addresses(name, unit.name, unit.filter.usedns === 'warn')
    for (const id of addresses) this.judge(unit, { ...failure, id })
  }

  async #judgeUnlessIgnored(unit: JailUnit, failure: Failure, command: IgnoreCommand): Promise<void> {
    if (unit.jail.ignores(failure.id) === undefined && (await command.covers(failure)))
      this.#ignored(unit, failure, 'command')
    else this.#count(unit, failure)
  }

  #count(unit: JailUnit, failure: Failure): void {
    const { clock, log, bans, fleet } = this.#rooms
    const judgement = unit.jail.judge(failure, clock.now())
    if (judgement.kind === 'ignored') {
      this.#ignored(unit, failure, judgement.by)
      return
    }
    if (log.isOn('INFO'))
      log.write('INFO', 'filter', `[${unit.name}] Found ${failure.id} - ${this.#dateOf(failure.timeMs)}`)
    if (judgement.note !== undefined) log.write('INFO', 'observer', judgement.note)
    carryOut(judgement, { unit, id: failure.id }, { bans, fleet: fleet() })
  }

  /** Lines come in bursts with the same date. */
  #dateOf(timeMs: number): string {
    if (timeMs !== this.#lastMs) {
      this.#lastMs = timeMs
      this.#lastDate = localDateTime(timeMs)
    }
    return this.#lastDate
  }

  #ignored(unit: JailUnit, failure: Failure, by: string): void {
    this.#rooms.log.write('INFO', 'filter', `[${unit.name}] Ignore ${failure.id} by ${by}`)
  }
}
