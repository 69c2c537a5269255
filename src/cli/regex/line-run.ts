import { isAscii } from '../../match/dialect/pattern.js'
import type { CompiledPattern } from '../../match/filter.js'
import { Fuse } from '../../match/fuse.js'
import { lineEndAt } from '../../match/log-text.js'
import { ownCopy } from '../../match/own-copy.js'
import { eachLine } from './each-line.js'
import type { Examiner } from './examiner.js'
import type { DatedLine } from './journal-log.js'
import type { NameLookup } from './name-lookup.js'

/** Something took too long on a line and is out of use from there on, as it would be in the daemon. */
export interface Stall {
  /** Undefined: it was a date's pattern, or nothing that could be named, and the line was passed over. */
  pattern: CompiledPattern | undefined
  what: 'pattern' | 'date' | 'line'
  /** Hostile text. */
  line: string
  /** How long it was given. */
  afterMs: number
}

/** Told of each line once the examiner has looked at it: the text it is in, and its ends there. */
export type Visit = (chunk: string, start: number, end: number) => void

/** How long a pattern may take on one line before it is stopped: more than the daemon's, for nobody else waits here. */
const lineMs = 1000
/** Less than this part of a time in processor time: it was not the line's fault. */
const guiltyShare = 0.8
/** For a piece of log, and for each KiB of it: beyond that we look what takes so long. Some ten times what the slowest sound filter needs. */
const pieceMs = 1000
const pieceMsPerKiB = 2
/** As `NameLookup` may wait for one name, and some more. */
const lookupLineMs = 15_000

/** Has the examiner look at line after line, and sees to it that no line takes for ever. */
export class LineRun {
  readonly #examiner: Examiner
  readonly #lookup: NameLookup
  readonly #onStall: (stall: Stall) => void
  readonly #pieceMs: number
  readonly #fuse = new Fuse()
  readonly #visit: Visit
  #chunk = ''
  #isChunkAscii = true
  /** The chunk, where all of it is ASCII. */
  #bytes: Uint8Array | undefined
  #entries: readonly DatedLine[] = []
  /** Begin of the line at work, or its number among the entries. */
  #at = 0
  /** Whether that line was looked at to its end, and told of. */
  #isSeen = false
  /** Once names have taken long the lines are read one by one, for a piece of them takes as long as its names. */
  #isOneByOne = false
  // NOTE: one function for all pieces; with one for each, V8 throws away the loop it has compiled.
  readonly #look = (start: number, end: number) => {
    this.#at = start
    this.#isSeen = false
    this.#examiner.examine(this.#chunk, start, end, this.#isChunkAscii, this.#bytes)
    this.#visit(this.#chunk, start, end)
    this.#isSeen = true
  }

  constructor(
    examiner: Examiner,
    options: { lookup: NameLookup; visit: Visit; onStall: (stall: Stall) => void; pieceMs?: number },
  ) {
    this.#examiner = examiner
    this.#lookup = options.lookup
    this.#visit = options.visit
    this.#onStall = options.onStall
    this.#pieceMs = options.pieceMs ?? pieceMs
  }

  /** Whole lines, but for the last of all. */
  readText(chunk: string, bytes?: Uint8Array): void {
    this.#chunk = chunk
    this.#isChunkAscii = isAscii(chunk)
    this.#bytes = this.#isChunkAscii && bytes?.length === chunk.length ? bytes : undefined
    const lineEnd = () => lineEndAt(chunk, this.#at)
    this.#read({
      size: chunk.length,
      bytes: chunk.length,
      run: (from) => eachLine(chunk, from, this.#look),
      runOne: (from) => eachLine(chunk.slice(0, lineEnd()), from, this.#look),
      line: () => chunk.slice(this.#at, lineEnd()),
      behind: () => lineEnd() + 1,
    })
  }

  /** Lines with their times. */
  readDated(entries: readonly DatedLine[]): void {
    this.#entries = entries
    this.#read({
      size: entries.length,
      bytes: entries.reduce((sum, { text }) => sum + text.length, 0),
      run: (from) => this.#lookAtEntries(from, entries.length),
      runOne: (from) => this.#lookAtEntries(from, from + 1),
      line: () => entries[this.#at]?.text ?? '',
      behind: () => this.#at + 1,
    })
  }

  #lookAtEntries(from: number, until: number): void {
    for (let i = from; i < until; i++) {
      const entry = this.#entries[i]
      if (entry === undefined) return
      this.#at = i
      this.#isSeen = false
      this.#examiner.examineDated(entry.text, entry.dateLength, entry.timeMs)
      this.#visit(entry.text, 0, entry.text.length)
      this.#isSeen = true
    }
  }

  #read(lines: Lines): void {
    const budgetMs = this.#pieceMs + (lines.bytes / 1024) * pieceMsPerKiB
    let stoppedAt = -1
    /** Processor time of the tries that began at the line at work. */
    let spentMs = 0
    for (let from = 0; from < lines.size; ) {
      this.#at = from
      this.#isSeen = false
      const isDone = this.#isOneByOne
        ? this.#fuse.run(() => lines.runOne(from), lookupLineMs)
        : this.#fuse.run(() => lines.run(from), budgetMs)
      if (isDone && !this.#isOneByOne) return
      // Stopped between two lines: the machine was busy, or there is much to read.
      if (isDone || this.#isSeen) {
        from = lines.behind()
        continue
      }
      // Helping may use the fuse as well.
      const triedMs = this.#fuse.spentMs
      const isHelped = this.#help(lines.line())
      const isSame = stoppedAt === this.#at && from === this.#at
      spentMs = isSame ? spentMs + triedMs : 0
      // All the time of a piece for this one line, and nothing to blame: it is passed over, or there would be no end.
      const isGivenUp = !isHelped && isSame && spentMs >= budgetMs * guiltyShare
      if (isGivenUp) this.#onStall({ pattern: undefined, what: 'line', line: ownCopy(lines.line()), afterMs: budgetMs })
      stoppedAt = this.#at
      from = isGivenUp ? lines.behind() : this.#at
      this.#examiner.isAgain = !isGivenUp
    }
  }

  /** After a stop: takes out of use what takes too long on the line by itself. False: nothing does, the machine was busy. */
  #help(line: string): boolean {
    if (this.#lookup.finish()) {
      this.#isOneByOne = true
      return true
    }
    const { runner, quarantine, dates } = this.#examiner
    const stalled = runner.takeStalled()
    if (stalled === undefined) {
      const date = dates.takeStalled()
      if (date === undefined) return false
      const { template, text } = date
      if (!this.#takesTooLong(() => template.find(text, isAscii(text)))) return false
      dates.detector.drop(template)
      this.#onStall({ pattern: undefined, what: 'date', line: ownCopy(line), afterMs: lineMs })
      return true
    }
    const { pattern, text } = stalled
    if (!this.#takesTooLong(() => pattern.pattern.exec(text, isAscii(text)))) return false
    quarantine.add({ pattern, line: ownCopy(line), sinceMs: 0 })
    this.#onStall({ pattern, what: 'pattern', line: ownCopy(line), afterMs: lineMs })
    return true
  }

  /** Whether a search by itself takes more than it may, in processor time. */
  #takesTooLong(search: () => void): boolean {
    for (let spentMs = 0; spentMs < lineMs * guiltyShare; spentMs += this.#fuse.spentMs)
      if (this.#fuse.run(search, lineMs)) return false
    return true
  }
}

/** Lines that are read from one on, up to the last. */
interface Lines {
  /** One more than the last place where a line can begin. */
  size: number
  bytes: number
  run(from: number): void
  runOne(from: number): void
  /** The line at work. */
  line(): string
  /** Where the line behind it begins. */
  behind(): number
}
