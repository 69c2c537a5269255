import type { SourceStatus } from '../api/operations.js'
import type { ReadPosition } from '../domain/read-position.js'
import type { Clock } from '../lib/clock.js'
import type { Log } from '../lib/log.js'
import { LineMatcher } from '../match/line-matcher.js'
import { lineTimeReader } from '../match/line-time.js'
import { Survey } from '../match/survey.js'
import { expandGlob, watchGlob } from '../source/file-glob.js'
import { type Chunk, type FileTail, followFile } from '../source/file-tail.js'
import type { SourceSpec } from '../source/source-spec.js'
import { HostNames } from './host-names.js'
import type { JailUnit } from './jails.js'
import { JournalFollowers } from './journal-followers.js'
import { journalSource, sourceProblems } from './journal-source.js'
import { acceptedWord, type Listener, type Pipeline } from './pipeline.js'

export interface FollowersOptions {
  clock: Clock
  log: Log
  pipeline: Pipeline
  /** Where the jail stopped reading this file in an earlier run. */
  storedPosition(jail: string, path: string): ReadPosition | undefined
  /** Called when a jail has read on. */
  onPosition(jail: string, path: string, position: ReadPosition): void
  /** A log file that moved with our own log (somebody who is not root): its real path. */
  realPath(path: string): string
}

/** A listener that can tell whether a line lies before its find time; undefined: the line has no date. */
type DatedListener = Listener & { isTooOld(line: string): boolean | undefined }

/** One file that is followed, for the jails that listen to it. */
interface Follower {
  path: string
  tail: FileTail
  /** Resolves when the file has been looked for once. */
  lookedFor: Promise<void>
  listeners: readonly DatedListener[]
  /** One search for all of them; made when the first lines come. */
  survey: Survey | undefined
}

const openedMsMax = 2000

/** One jail's interest in what a glob matches. */
interface Interest {
  unit: JailUnit
  close(): void
}

/**
 * Follows the logs of all jails. Jails that begin to read a file at the same place share one reader, so a chunk is read and decoded
 * once for all of them.
 */
export class Followers {
  readonly #options: FollowersOptions
  readonly #followers = new Map<string, Follower>()
  readonly #interests: Interest[] = []
  readonly #journals: JournalFollowers

  constructor(options: FollowersOptions) {
    this.#options = options
    this.#journals = new JournalFollowers(options)
  }

  /** Begins to follow the jail's logs, those that are there and those that come. Returns the globs that match nothing so far. */
  add(unit: JailUnit): string[] {
    const source = this.#sourceOf(unit)
    if (source.kind === 'journal') this.#journals.add(unit, this.#matcherFor(unit), journalSource(source))
    if (source.kind !== 'files') return []
    const missing: string[] = []
    for (const { glob, start } of source.paths) {
      const { clock, log, realPath } = this.#options
      const watch = watchGlob({ glob: realPath(glob), clock, log, onFile: (path) => this.#follow(unit, path, start) })
      if (watch.matches === 0) missing.push(realPath(glob))
      this.#interests.push({ unit, close: () => watch.close() })
    }
    return missing
  }

  /** Resolves when every file so far is open or known to be missing; a dead network mount is waited for two seconds. */
  async opened(): Promise<void> {
    const all = Promise.all([...this.#followers.values()].map(({ lookedFor }) => lookedFor))
    let cancel = () => {}
    const late = new Promise<void>((resolve) => {
      cancel = this.#options.clock.after(openedMsMax, resolve)
    })
    await Promise.race([all, late])
    cancel()
  }

  /** Stops following for this jail; a file that nobody listens to any more is let go. */
  async remove(unit: JailUnit): Promise<void> {
    for (const interest of this.#interests.filter((one) => one.unit === unit)) {
      interest.close()
      this.#interests.splice(this.#interests.indexOf(interest), 1)
    }
    for (const [key, follower] of this.#followers) {
      setListeners(
        follower,
        follower.listeners.filter((listener) => listener.unit !== unit),
      )
      if (follower.listeners.length > 0) continue
      this.#followers.delete(key)
      await follower.tail.close()
    }
    await this.#journals.remove(unit)
  }

  /** Reads what is there to its end when `drain`, then lets everything go. */
  async close(options: { drain: boolean }): Promise<void> {
    for (const interest of this.#interests.splice(0)) interest.close()
    await Promise.all([...this.#followers.values()].map(({ tail }) => tail.close(options)))
    await this.#journals.close()
    this.#followers.clear()
  }

  statusOf(jail: string): SourceStatus[] {
    const mine = [...this.#followers.values()].filter(({ listeners }) =>
      listeners.some(({ unit }) => unit.name === jail),
    )
    const files = mine.map(({ path, tail }) => {
      const { state, linesSkippedTooLong, bytesRead } = tail.stats
      return { path, state, linesSkippedTooLong, bytesRead, offset: tail.position().offset }
    })
    return [...files, ...this.#journals.statusOf(jail)]
  }

  /** The files, or, when there is none of them and the jail may do so, the journal: for good, as Fail2ban has it (spec 1.12). */
  #sourceOf({ name, config: { source, sourceWithoutFiles } }: JailUnit): SourceSpec {
    const { log, realPath } = this.#options
    if (source.kind === 'journal' || sourceWithoutFiles === undefined) return source
    if (source.kind === 'files' && source.paths.some(({ glob }) => expandGlob(realPath(glob)).length > 0)) return source
    const problems = sourceProblems(sourceWithoutFiles)
    for (const problem of problems) log.write('ERROR', 'filter', `[${name}] The journal is not read: ${problem}`)
    if (problems.length > 0) return source
    const text = `Have not found any log file for '${name}' jail. Jail will monitor systemd journal.`
    log.write('WARNING', 'jail', text)
    return sourceWithoutFiles
  }

  #follow(unit: JailUnit, path: string, start: 'head' | 'tail'): void {
    const { source } = unit.config
    if (source.kind !== 'files') return
    const { clock, log } = this.#options
    const position = this.#options.storedPosition(unit.name, path)
    const key = JSON.stringify([path, start, source.encoding, source.polling, position])
    const matcher = this.#matcherFor(unit)
    const listener = { unit, matcher, isTooOld: this.#isTooOld(unit) }
    const known = this.#followers.get(key)
    if (known !== undefined && known.tail.stats.bytesRead === 0) {
      setListeners(known, [...known.listeners, listener])
      return
    }
    let foundOut = () => {}
    const lookedFor = new Promise<void>((resolve) => {
      foundOut = resolve
    })
    const follower: Follower = {
      lookedFor,
      path,
      listeners: [listener],
      survey: undefined,
      tail: followFile({
        path,
        start,
        clock,
        log,
        encoding: source.encoding,
        polling: source.polling,
        ...(position && { position }),
        isTooOld: (line) => isTooOldForAll(follower.listeners, line),
        onChunk: (chunk) => this.#take(follower, chunk),
        onEvent: () => foundOut(),
      }),
    }
    const { offset, firstLineSha1 } = position ?? { offset: 0, firstLineSha1: '' }
    log.write('INFO', 'filter', `Added logfile: '${path}' (pos = ${offset}, hash = ${firstLineSha1})`)
    this.#followers.set(known === undefined ? key : `${key} ${this.#followers.size}`, follower)
  }

  #isTooOld({ filter, config }: JailUnit): (line: string) => boolean | undefined {
    const nowMs = this.#options.clock.now()
    const timeOf = lineTimeReader(filter, nowMs)
    return (line) => {
      const timeMs = timeOf(line)
      return timeMs === undefined ? undefined : timeMs < nowMs - config.jail.findTimeMs
    }
  }

  #matcherFor(unit: JailUnit): LineMatcher {
    const { name, filter, config, quarantine } = unit
    const { pipeline } = this.#options
    const asks = filter.usedns === 'yes' || filter.usedns === 'warn'
    return new LineMatcher(filter, {
      jail: name,
      findTimeMs: config.jail.findTimeMs,
      log: this.#options.log,
      fuse: pipeline.fuse,
      quarantine,
      ...(filter.success.length > 0 && { onSuccess: (success) => pipeline.succeed(unit, success) }),
      ...(asks && { resolve: (host: string) => [HostNames.pendingId(host)] }),
    })
  }

  #take(follower: Follower, chunk: Chunk): void {
    const { listeners } = follower
    follower.survey ??= new Survey(
      listeners.map(({ unit }) => unit.filter),
      acceptedWord,
    )
    this.#options.pipeline.take(chunk, listeners, follower.survey)
    for (const { unit } of listeners) this.#options.onPosition(unit.name, chunk.path, chunk.position)
  }
}

function setListeners(follower: Follower, listeners: readonly DatedListener[]): void {
  follower.listeners = listeners
  follower.survey = undefined
}

/** A line is passed over only when no jail wants it. */
function isTooOldForAll(listeners: readonly DatedListener[], line: string): boolean | undefined {
  const answers = listeners.map((listener) => listener.isTooOld(line))
  if (answers.includes(false)) return false
  return answers.includes(true) ? true : undefined
}
