import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ReadPosition } from '../domain/read-position.js'
import type { Clock } from '../lib/clock.js'
import type { Log, LogLevel } from '../lib/log.js'
import { directAccess, type FileAccess, offThreadAccess, remoteFileSystem } from './file-access.js'
import { LogFile } from './log-file.js'
import type { Change } from './path-watch.js'
import { PieceReader, pieceBytesMax } from './piece-reader.js'
import { WakeUps } from './wake-ups.js'

export interface TailOptions {
  path: string
  /** Where an earlier run stopped; used when the file is still the one it was (spec section 8), else it is read from its start. */
  position?: ReadPosition
  /** `tail`: only what is written from now on, whatever `position` says. */
  start: 'head' | 'tail'
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
  /** Complete lines, each ended by '\n' (a '\r' before it is kept), none over 64 KiB. NOTE: a slice of it keeps all of it in memory. */
  text: string
  /** False until the end of the file as it was at the first read has been reached: the spec's "in operation". */
  live: boolean
  /** Behind these lines. */
  position: ReadPosition
}

export interface TailEvent {
  kind: 'waiting' | 'opened' | 'live' | 'rotated' | 'unreadable' | 'polling'
  path: string
  /** A sentence for the operator, which the log has already. */
  text: string
}

export interface TailStats {
  linesSkippedTooLong: number
  bytesRead: number
  rotations: number
  state: 'waiting' | 'reading' | 'live'
}

/** A rotated file is read on until it has been silent for so long: its writer may be slow to open the new one. */
const retiredSilenceMs = 10_000
/** So many rotated files are kept open. More: the oldest is closed; it has been read to its end. */
const retiredFilesMax = 2
/** A deleted log is let go after so much silence, and with it its disk space. */
const deletedSilenceMs = 60_000
/** How long `close` waits for a call that hangs on a dead network file system. */
const closeWaitMs = 2000

/** A file that is or was the log, and when it last had something for us. */
interface Followed {
  file: LogFile
  lastReadMs: number
}

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
  readonly #wakeUps: WakeUps
  #access: FileAccess = directAccess
  #device: bigint | undefined
  #current: Followed | undefined
  #retired: Followed[] = []
  /** How the next file is begun. */
  #begin: 'head' | 'tail' | ReadPosition
  /** Size of the first file when we opened it; undefined as long as there was none. */
  #sizeAtStart: number | undefined
  #isLive = false
  /** The trouble with the name that was told last, so that it is told once. */
  #told: 'waiting' | 'unreadable' | undefined
  #rotations = 0
  #due: Change | undefined
  #running: Promise<void> | undefined
  #isClosed = false

  constructor(options: TailOptions) {
    this.#options = options
    this.#reader = new PieceReader(options)
    this.#begin = options.start === 'tail' ? 'tail' : (options.position ?? 'head')
    this.#wakeUps = new WakeUps({
      path: options.path,
      clock: options.clock,
      onWake: (change) => this.#wake(change),
      onPolling: (text) => this.#tell('polling', 'WARNING', text),
    })
    this.#running = this.#start()
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
    if (!drain) this.#isClosed = true
    await this.#settled()
    this.#wake('name')
    await this.#settled()
    this.#isClosed = true
    // A call that still hangs uses its descriptor; then #run closes the files, should it ever come back.
    if (this.#running === undefined) this.#closeFiles()
  }

  async #start(): Promise<void> {
    const remote = await remoteFileSystem(this.#options.path)
    if (remote !== undefined) this.#useOffThread(remote)
    if (!this.#isClosed) this.#wakeUps.start(this.#options.polling === true || remote !== undefined)
    this.#due = 'name'
    await this.#run()
  }

  #wake(change: Change): void {
    if (this.#isClosed) return
    if (change === 'name' || this.#due === undefined) this.#due = change
    this.#running ??= this.#run()
  }

  async #run(): Promise<void> {
    try {
      while (this.#due !== undefined && !this.#isClosed) {
        const change = this.#due
        this.#due = undefined
        await this.#pass(change)
      }
    } finally {
      this.#running = undefined
      if (this.#isClosed) this.#closeFiles()
    }
  }

  async #pass(change: Change): Promise<void> {
    try {
      for (const old of this.#retired) if (await old.file.isIntact()) await this.#readOn(old)
      const isIntact = this.#current !== undefined && (await this.#current.file.isIntact())
      if (change === 'name' || !isIntact) await this.#look(isIntact)
      if (this.#current !== undefined) await this.#readOn(this.#current)
      if (change === 'name') await this.#letGo()
    } catch (error) {
      if (!isSystemError(error)) throw error
      this.#unreadable(error)
      this.#begin = this.position()
      this.#closeFiles()
    }
  }

  /** Finds out what the name means now. */
  async #look(isIntact: boolean): Promise<void> {
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
    const { path } = this.#options
    try {
      const file = await LogFile.open(this.#access, path)
      if (this.#told !== undefined) this.#write('MSG', `Log presence detected for file ${path}`)
      this.#told = undefined
      return file
    } catch (error) {
      if (isAbsence(error)) this.#absent(error)
      else this.#unreadable(error)
      return undefined
    }
  }

  /** On network file systems the new descriptor is used: the old one may show an old size, or a file that was replaced. */
  #keepOne(current: Followed, file: LogFile): void {
    if (this.#access.kind === 'direct') return
    file.moveTo(current.file.offset)
    file.readOffset = current.file.readOffset
    this.#current = { file, lastReadMs: current.lastReadMs }
    this.#closeFile(current)
  }

  async #rotate(current: Followed, file: LogFile, isIntact: boolean): Promise<void> {
    const { offset, firstLineSha1 } = current.file.position
    const isSameInode = file.dev === current.file.dev && file.ino === current.file.ino
    if (isIntact) await this.#readOn(current)
    this.#rotations++
    this.#begin = 'head'
    const inodes = `${file.ino}, ${current.file.ino}`
    const reason = `(${file.sizeAtOpen}, ${offset}, ${inodes}, '${file.position.firstLineSha1}', '${firstLineSha1}')`
    this.#tell('rotated', 'MSG', `Log rotation detected for ${this.path}, reason: ${reason}`)
    if (isIntact && (!isSameInode || this.#access.kind === 'off-thread')) this.#retire(current)
    else this.#closeFile(current)
    await this.#beginWith(file)
  }

  async #beginWith(file: LogFile): Promise<void> {
    this.#wakeUps.watchFile(file.fd)
    this.#current = { file, lastReadMs: this.#options.clock.now() }
    file.moveTo(await this.#firstOffset(file))
    const isResumed = typeof this.#begin === 'object'
    if (this.#sizeAtStart === undefined) {
      this.#sizeAtStart = this.#options.start === 'tail' ? 0 : file.sizeAtOpen
      const { firstLineSha1, offset } = file.position
      this.#tell('opened', 'INFO', `Added logfile: '${this.path}' (pos = ${offset}, hash = ${firstLineSha1})`)
    } else if (!isResumed) {
      this.#becomeLive()
    }
    this.#begin = 'head'
    if (file.dev !== this.#device) await this.#arriveOn(file.dev)
  }

  async #firstOffset(file: LogFile): Promise<number> {
    if (this.#begin === 'head') return 0
    if (this.#begin === 'tail') return this.#reader.lastLineStart(file)
    const { firstLineSha1, offset } = this.#begin
    const isTheSame = firstLineSha1 !== '' && firstLineSha1 === file.position.firstLineSha1
    return isTheSame && offset <= file.sizeAtOpen ? offset : 0
  }

  /** Something may have been mounted where the log is. */
  async #arriveOn(device: bigint): Promise<void> {
    this.#device = device
    const remote = await remoteFileSystem(this.path)
    if (remote === undefined) {
      this.#access = directAccess
      return
    }
    this.#useOffThread(remote)
    this.#wakeUps.usePolling(`${this.path} is on a network or FUSE file system (${remote}), so it is polled`)
  }

  #useOffThread(remote: string): void {
    if (this.#access.kind === 'off-thread') return
    this.#access = offThreadAccess
    this.#write('INFO', `${this.path} is on ${remote}: changes by others are not told to this machine, so it is polled`)
  }

  /** To the end of the file, in pieces, with a turn of the event loop between them. */
  async #readOn(followed: Followed): Promise<void> {
    const { file } = followed
    while (!this.#isClosed) {
      const isBacklog = !this.#isLive && followed === this.#current
      const backlogBytes = isBacklog ? (this.#sizeAtStart ?? 0) - file.readOffset : Number.POSITIVE_INFINITY
      const bytesMax = Math.max(0, Math.min(pieceBytesMax, backlogBytes))
      const before = file.readOffset
      const length = await this.#reader.read(file, bytesMax, (text, position) =>
        this.#handOver(followed, text, position),
      )
      if (file.readOffset !== before) followed.lastReadMs = this.#options.clock.now()
      if (isBacklog && (length < bytesMax || backlogBytes <= pieceBytesMax)) this.#becomeLive()
      if (length < bytesMax) return
      await nextTurn()
    }
  }

  #handOver(followed: Followed, text: string, position: ReadPosition): void {
    if (this.#isClosed) return
    const isCurrent = followed === this.#current
    this.#options.onChunk({
      path: this.path,
      text,
      live: this.#isLive,
      position: isCurrent ? position : this.position(),
    })
  }

  #becomeLive(): void {
    if (this.#isLive) return
    this.#isLive = true
    this.#options.onEvent?.({
      kind: 'live',
      path: this.path,
      text: `${this.path} is read to its end; from now on its lines are new`,
    })
  }

  #retire(followed: Followed): void {
    this.#retired.push(followed)
    while (this.#retired.length > retiredFilesMax) {
      const oldest = this.#retired.shift()
      if (oldest !== undefined) this.#closeFile(oldest)
    }
  }

  /** Closes what has been silent for long: rotated files, and a log that was deleted. */
  async #letGo(): Promise<void> {
    const nowMs = this.#options.clock.now()
    const isSilent = ({ lastReadMs }: Followed, forMs: number) => nowMs - lastReadMs >= forMs
    const silent = this.#retired.filter((old) => isSilent(old, retiredSilenceMs))
    this.#retired = this.#retired.filter((old) => !silent.includes(old))
    for (const old of silent) this.#closeFile(old)
    const current = this.#current
    if (current === undefined || this.#told !== 'waiting' || !isSilent(current, deletedSilenceMs)) return
    if ((await current.file.facts()).links > 0) return
    this.#current = undefined
    this.#closeFile(current)
  }

  #absent(error: Error): void {
    if (this.#told === 'waiting') return
    this.#told = 'waiting'
    if (this.#sizeAtStart !== undefined) {
      this.#write('MSG', `Log absence detected (possibly rotation) for ${this.path}, reason: ${error.message}`)
      return
    }
    // Whatever will be in it when it appears is written from now on.
    if (this.#begin === 'tail') this.#begin = 'head'
    this.#tell('waiting', 'INFO', `${this.path} does not exist yet; it is read as soon as it appears`)
  }

  #unreadable(error: unknown): void {
    if (this.#told === 'unreadable') return
    this.#told = 'unreadable'
    const reason = error instanceof Error ? error.message : String(error)
    this.#tell('unreadable', 'ERROR', `Cannot read ${this.path}: ${reason}; it is tried again every second`)
  }

  #tell(kind: TailEvent['kind'], level: LogLevel, text: string): void {
    this.#write(level, text)
    this.#options.onEvent?.({ kind, path: this.path, text })
  }

  #write(level: LogLevel, text: string): void {
    this.#options.log.write(level, 'filter', text)
  }

  async #settled(): Promise<void> {
    if (this.#running === undefined) return
    let cancel = () => {}
    const patience = new Promise<void>((resolve) => {
      cancel = this.#options.clock.after(closeWaitMs, resolve)
    })
    await Promise.race([this.#running, patience])
    cancel()
  }

  #closeFiles(): void {
    const all = this.#current === undefined ? this.#retired : [...this.#retired, this.#current]
    if (this.#isClosed) this.#begin = this.position()
    this.#current = undefined
    this.#retired = []
    for (const followed of all) this.#closeFile(followed)
  }

  #closeFile({ file }: Followed): void {
    this.#wakeUps.unwatchFile(file.fd)
    file.close()
  }
}

function isAbsence(error: unknown): error is NodeJS.ErrnoException {
  return isSystemError(error) && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}

/** An answer of the kernel, not a mistake of ours or of the listener. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error
}
