import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ReadPosition } from '../domain/read-position.js'
import type { Clock } from '../lib/clock.js'
import type { Log } from '../lib/log.js'
import { isAbsence, isSystemError } from './file-access.js'
import { LogFile } from './log-file.js'
import { LogFileSystem } from './log-file-system.js'
import type { Change } from './path-watch.js'
import { type Piece, PieceReader, pieceBytesMax } from './piece-reader.js'
import { type Followed, RetiredFiles } from './retired-files.js'
import { Rounds } from './rounds.js'
import { seekStart } from './seek.js'
import { type TailEvent, TailReport } from './tail-report.js'
import { WakeUps } from './wake-ups.js'

export interface TailOptions {
  path: string
  /** Where an earlier run stopped; used when the file is still the one it was (spec section 8), else it is read from its start. */
  position?: ReadPosition
  /** `tail`: only what is written from now on, whatever `position` says. */
  start: 'head' | 'tail'
  /** Undefined: no date. At the start, the too old begin of a long log is passed over. */
  isTooOld?(line: string): boolean | undefined
  /** As `logencoding` has it. */
  encoding: string
  clock: Clock
  log: Log
  /** Do without watches, look every 200 ms. Chosen by itself on network and FUSE file systems. */
  polling?: boolean
  onChunk(chunk: Chunk): void
  onEvent?(event: TailEvent): void
}

/** Lines of one log, as they were written. Hostile text. */
export interface Chunk {
  path: string
  /** Complete lines, each ended by '\n' (a '\r' before it is kept), none over 64 KiB. NOTE: a slice of the text keeps all of it in memory. */
  lines: Piece
  /** False until the end of the file as it was at the first read has been reached: the spec's "in operation". */
  live: boolean
  /** Behind these lines. */
  position: ReadPosition
}

export interface TailStats {
  linesSkippedTooLong: number
  bytesRead: number
  rotations: number
  state: 'waiting' | 'reading' | 'live'
}

/** A deleted log is let go after so much silence, and its disk space with it. */
const deletedSilenceMs = 60_000

/** Throws when the encoding is unknown. */
export function followFile(options: TailOptions): FileTail {
  return new FileTail(options)
}

/**
 * Follows one log by its name: through appends, rotation, truncation, absence. States: *waiting* (no such file yet),
 * *reading* (what was there when we came), *live*. Only one pass runs at a time; a wake-up meanwhile makes it go round again.
 */
export class FileTail {
  readonly #options: TailOptions
  readonly #reader: PieceReader
  readonly #report: TailReport
  readonly #wakeUps: WakeUps
  readonly #fileSystem: LogFileSystem
  #current: Followed | undefined
  readonly #retired = new RetiredFiles((old) => this.#closeFile(old))
  /** How the next file is begun. */
  #begin: 'head' | 'tail' | ReadPosition
  /** Size of the first file when we opened it; undefined as long as there was none. */
  #sizeAtStart: number | undefined
  #isLive = false
  #rotations = 0
  readonly #rounds: Rounds

  constructor(options: TailOptions) {
    this.#options = options
    this.#reader = new PieceReader(options)
    this.#report = new TailReport(options)
    this.#fileSystem = new LogFileSystem(options.path)
    this.#begin = options.start === 'tail' ? 'tail' : (options.position ?? 'head')
    this.#wakeUps = new WakeUps({
      path: options.path,
      clock: options.clock,
      onWake: (change) => this.#rounds.wake(change),
      onPolling: (text) => this.#report.polling(text),
    })
    this.#rounds = new Rounds({
      clock: options.clock,
      prepare: () => this.#start(),
      round: (change) => this.#look(change),
      onStopped: () => this.#closeFiles(),
    })
  }

  get path(): string {
    return this.#options.path
  }

  get stats(): TailStats {
    const { linesSkippedTooLong, bytesRead } = this.#reader
    const state = this.#current === undefined ? 'waiting' : this.#isLive ? 'live' : 'reading'
    return { linesSkippedTooLong, bytesRead, rotations: this.#rotations, state }
  }

  /** Behind the last complete line that was handed over. */
  position(): ReadPosition {
    if (this.#current !== undefined) return this.#current.file.position
    return typeof this.#begin === 'object' ? this.#begin : { firstLineSha1: '', offset: 0 }
  }

  /** `drain`: what is in the file by now is handed over first. Afterwards nothing is handed over any more. */
  async close({ drain = false }: { drain?: boolean } = {}): Promise<void> {
    this.#wakeUps.close()
    if (drain) {
      await this.#rounds.settled()
      this.#rounds.wake('name')
      await this.#rounds.settled()
    }
    this.#rounds.stop()
    await this.#rounds.settled()
  }

  async #start(): Promise<void> {
    const whyPolling = await this.#fileSystem.look()
    if (whyPolling !== undefined) this.#report.polling(whyPolling)
    this.#wakeUps.start(this.#options.polling === true || whyPolling !== undefined)
  }

  async #look(change: Change): Promise<void> {
    try {
      for (const old of this.#retired.all()) if (await old.file.isIntact()) await this.#readOn(old)
      const isIntact = this.#current !== undefined && (await this.#current.file.isIntact())
      if (change === 'name' || !isIntact) await this.#lookUp(isIntact)
      if (this.#current !== undefined) await this.#readOn(this.#current)
      if (change === 'name') await this.#letGo()
    } catch (error) {
      if (!isSystemError(error)) throw error
      this.#report.unreadable(error)
      this.#closeFiles()
    }
  }

  /** Finds out what the name means now. */
  async #lookUp(isIntact: boolean): Promise<void> {
    this.#wakeUps.rearm()
    const file = await this.#openByName()
    if (file === undefined) return
    try {
      const current = this.#current
      if (current === undefined) await this.#beginWith(file)
      else if (isIntact && (await current.file.isContinuedBy(file))) this.#keepOne(current, file)
      else await this.#rotate(current, file, isIntact)
    } finally {
      if (this.#current?.file !== file) file.close()
    }
  }

  async #openByName(): Promise<LogFile | undefined> {
    try {
      const file = await LogFile.open(this.#fileSystem.access, this.path)
      this.#report.present()
      return file
    } catch (error) {
      if (!isAbsence(error)) {
        this.#report.unreadable(error)
        return undefined
      }
      const wasThere = this.#sizeAtStart !== undefined
      this.#report.absent(error, wasThere)
      // Whatever will be in it when it appears is written from now on.
      if (!wasThere && this.#begin === 'tail') this.#begin = 'head'
      return undefined
    }
  }

  /** On network file systems the new descriptor is used: the old one may show an old size, or a file that was replaced. */
  #keepOne(current: Followed, file: LogFile): void {
    if (this.#fileSystem.access.kind === 'direct') return
    file.moveTo(current.file.offset)
    file.readOffset = current.file.readOffset
    this.#current = { file, lastReadMs: current.lastReadMs }
    this.#closeFile(current)
  }

  async #rotate(current: Followed, file: LogFile, isIntact: boolean): Promise<void> {
    const isSameInode = file.dev === current.file.dev && file.ino === current.file.ino
    if (isIntact) await this.#readOn(current)
    this.#rotations++
    this.#begin = 'head'
    this.#report.rotated(current.file, file)
    if (isIntact && (!isSameInode || this.#fileSystem.access.kind === 'off-thread'))
      this.#retired.add({ file: current.file, lastReadMs: this.#options.clock.now() })
    else this.#closeFile(current)
    await this.#beginWith(file)
  }

  async #beginWith(file: LogFile): Promise<void> {
    this.#wakeUps.watchFile(file.fd)
    this.#current = { file, lastReadMs: this.#options.clock.now() }
    const offset = await this.#firstOffset(file)
    const isSearched = this.#sizeAtStart === undefined && this.#begin !== 'tail'
    file.moveTo(isSearched ? await seekStart(file, offset, this.#options) : offset)
    const isResumed = typeof this.#begin === 'object'
    if (this.#sizeAtStart === undefined) {
      this.#sizeAtStart = this.#options.start === 'tail' ? 0 : file.sizeAtOpen
      this.#report.opened(file)
    } else if (!isResumed) {
      this.#becomeLive()
    }
    this.#begin = 'head'
    const whyPolling = await this.#fileSystem.arriveOn(file.dev)
    if (whyPolling !== undefined) this.#wakeUps.usePolling(whyPolling)
  }

  async #firstOffset(file: LogFile): Promise<number> {
    if (this.#begin === 'head') return 0
    if (this.#begin === 'tail') return this.#reader.lastLineStart(file)
    const { firstLineSha1, offset } = this.#begin
    const isTheSame = firstLineSha1 !== '' && firstLineSha1 === file.position.firstLineSha1
    return isTheSame && offset <= file.sizeAtOpen ? offset : 0
  }

  /** To the end of the file, in pieces, with a turn of the event loop between them. */
  async #readOn(followed: Followed): Promise<void> {
    const { file } = followed
    while (!this.#rounds.isStopped) {
      const isBacklog = !this.#isLive && followed === this.#current
      const backlogBytes = isBacklog ? (this.#sizeAtStart ?? 0) - file.readOffset : Number.POSITIVE_INFINITY
      const bytesMax = Math.max(0, Math.min(pieceBytesMax, backlogBytes))
      const before = file.readOffset
      const length = await this.#reader.read(file, bytesMax, (lines, position) =>
        this.#handOver(followed, lines, position),
      )
      if (file.readOffset !== before) followed.lastReadMs = this.#options.clock.now()
      if (isBacklog && (length < bytesMax || backlogBytes <= pieceBytesMax)) this.#becomeLive()
      if (length < bytesMax) return
      await nextTurn()
    }
  }

  #handOver(followed: Followed, lines: Piece, position: ReadPosition): void {
    if (this.#rounds.isStopped) return
    const behind = followed === this.#current ? position : this.position()
    this.#options.onChunk({ path: this.path, lines, live: this.#isLive, position: behind })
  }

  #becomeLive(): void {
    if (this.#isLive) return
    this.#isLive = true
    this.#report.live()
  }

  /** Closes what has been silent for long: rotated files, and a log that was deleted. */
  async #letGo(): Promise<void> {
    const nowMs = this.#options.clock.now()
    this.#retired.letGo(nowMs)
    const current = this.#current
    if (current === undefined || !this.#report.isAbsent || nowMs - current.lastReadMs < deletedSilenceMs) return
    if ((await current.file.facts()).links > 0) return
    this.#current = undefined
    this.#closeFile(current)
  }

  #closeFiles(): void {
    const current = this.#current
    if (current !== undefined) this.#begin = this.position()
    this.#current = undefined
    if (current !== undefined) this.#closeFile(current)
    this.#retired.close()
  }

  #closeFile({ file }: Followed): void {
    this.#wakeUps.unwatchFile(file.fd)
    file.close()
  }
}
