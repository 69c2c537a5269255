import { closeSync, fstatSync, openSync, readSync, renameSync, writeSync } from 'node:fs'
import type { Clock } from '../lib/clock.js'
import { messageOf } from '../lib/error-message.js'
import type { Log } from '../lib/log.js'
import { type AuditEntry, lineOf, type Summary } from './audit-entry.js'

export interface AuditLogOptions {
  /** The file; the one before it has `.1` at its end. */
  path: string
  clock: Clock
  log: Log
  /** Of each of the two files. */
  bytesMax?: number
  /** Asked for each entry, whether it is to be written; missing: all are. */
  isOn?(): boolean
}

const bytesMaxByDefault = 8 << 20
const windowMs = 60_000
/** Lines of one window about the same node, outcome and reason. What is beyond is counted, and its number told at the window's end. */
const linesMax = { accepted: 120, held: 20, refused: 20, quarantined: 20, released: 20 }
/** Different such counts in a window; further ones are counted together. */
const countsMax = 1000
/** Lines of one window in all, about 2 MB. */
const allLinesMax = 5000
/** Entries that wait to be written; full: they are written at once. */
const pendingMax = 256
const flushMs = 100

/** What has become of all that was told since the start, whether it is on record or not. */
export interface AuditTotals {
  readonly accepted: number
  readonly held: number
  /** By the code of the refusal; there are some twenty. */
  readonly refused: ReadonlyMap<string, number>
}

interface Count {
  lines: number
  /** Not written. */
  more: number
  entry: AuditEntry
}

/**
 * What others have told, and what became of it: a line for each, in a file that is only ever appended to, of two generations. Under a flood the
 * first are written and the rest is counted. A disk that is full costs lines of this file and nothing else.
 */
export class AuditLog {
  readonly #options: AuditLogOptions
  readonly #counts = new Map<string, Count>()
  #last: Count | undefined
  #file: { fd: number; bytes: number } | undefined
  /** NOTE: made into lines when they are written: a word is to be in the kernel first. */
  #pending: { entry: AuditEntry; summary?: Summary }[] = []
  #lines = 0
  readonly #totals = { accepted: 0, held: 0, refused: new Map<string, number>() }
  #cancelWindow: (() => void) | undefined
  #cancelFlush: (() => void) | undefined
  #isInTrouble = false

  constructor(options: AuditLogOptions) {
    this.#options = options
  }

  get totals(): AuditTotals {
    return this.#totals
  }

  write(entry: AuditEntry): void {
    this.#add(entry)
    if (this.#options.isOn?.() === false) return
    this.#cancelWindow ??= this.#options.clock.after(windowMs, () => this.#endWindow())
    const count = this.#countOf(entry)
    if (count.lines >= linesMax[entry.outcome] || this.#lines >= allLinesMax) {
      count.more++
      count.entry = entry
      return
    }
    count.lines++
    this.#lines++
    this.#put({ entry })
  }

  /** What is pending is in the file when it returns. */
  flush(): void {
    this.#cancelFlush?.()
    this.#cancelFlush = undefined
    const pending = this.#pending
    this.#pending = []
    if (pending.length === 0) return
    try {
      this.#append(Buffer.from(pending.map(({ entry, summary }) => lineOf(entry, summary)).join('')))
      this.#isInTrouble = false
    } catch (error) {
      this.#tellTrouble(error)
    }
  }

  close(): void {
    this.#cancelWindow?.()
    this.#endWindow()
    this.flush()
    this.#closeFile()
  }

  #add({ outcome, reason = '' }: AuditEntry): void {
    if (outcome === 'accepted' || outcome === 'held') this.#totals[outcome]++
    else if (outcome === 'refused') this.#totals.refused.set(reason, (this.#totals.refused.get(reason) ?? 0) + 1)
  }

  #countOf(entry: AuditEntry): Count {
    const last = this.#last
    // One member tells many words, one after the other, and the same becomes of them.
    if (last !== undefined && isCountedAlike(last.entry, entry)) return last
    this.#last = this.#findCount(entry)
    return this.#last
  }

  #findCount(entry: AuditEntry): Count {
    // Who is not proven may call himself what he likes: he gets no count of his own.
    const key = `${entry.outcome} ${entry.reason ?? ''} ${entry.isProven ? entry.node : ''}`
    const known = this.#counts.get(key)
    if (known !== undefined) return known
    const isFull = this.#counts.size >= countsMax
    const count = (isFull ? this.#counts.get(others) : undefined) ?? { lines: 0, more: 0, entry }
    this.#counts.set(isFull ? others : key, count)
    return count
  }

  #endWindow(): void {
    this.#cancelWindow = undefined
    this.#lines = 0
    const sinceMs = this.#options.clock.now() - windowMs
    for (const [key, { more, entry }] of this.#counts)
      if (more > 0) this.#put({ entry, summary: { more, sinceMs, isMixed: key === others } })
    this.#counts.clear()
    this.#last = undefined
  }

  #put(one: { entry: AuditEntry; summary?: Summary }): void {
    this.#pending.push(one)
    if (this.#pending.length >= pendingMax) this.flush()
    else this.#cancelFlush ??= this.#options.clock.after(flushMs, () => this.flush())
  }

  #append(bytes: Buffer): void {
    const { path, bytesMax = bytesMaxByDefault } = this.#options
    let file = this.#file ?? this.#open()
    if (file.bytes > 0 && file.bytes + bytes.length > bytesMax) {
      this.#closeFile()
      renameSync(path, `${path}.1`)
      file = this.#open()
    }
    for (let at = 0; at < bytes.length; ) {
      const written = writeSync(file.fd, bytes, at)
      at += written
      file.bytes += written
    }
  }

  #open(): { fd: number; bytes: number } {
    const fd = openSync(this.#options.path, 'a+', 0o640)
    this.#file = { fd, bytes: fstatSync(fd).size }
    // A line that a full disk or a crash has cut off must not swallow the next one.
    if (this.#file.bytes > 0 && !endsInLineEnd(this.#file)) this.#file.bytes += writeSync(fd, '\n')
    return this.#file
  }

  #closeFile(): void {
    if (this.#file !== undefined) closeSync(this.#file.fd)
    this.#file = undefined
  }

  /** Once, until it works again. */
  #tellTrouble(error: unknown): void {
    this.#closeFile()
    if (this.#isInTrouble) return
    this.#isInTrouble = true
    const reason = messageOf(error)
    this.#options.log.write(
      'WARNING',
      'fleet',
      `Cannot write ${this.#options.path}: ${reason}. What others tell is not on record until it can be written.`,
    )
  }
}

const others = 'others'

function isCountedAlike(a: AuditEntry, b: AuditEntry): boolean {
  return a.outcome === b.outcome && a.reason === b.reason && a.isProven && b.isProven && a.node === b.node
}

function endsInLineEnd({ fd, bytes }: { fd: number; bytes: number }): boolean {
  const last = Buffer.alloc(1)
  readSync(fd, last, 0, 1, bytes - 1)
  return last[0] === 0x0a
}
