import { readFileSync } from 'node:fs'
import { type RunningChild, startChild } from '../lib/child.js'
import type { Clock } from '../lib/clock.js'
import type { Log } from '../lib/log.js'
import { type JournalSource, type JournalStart, journalCommand } from './journal-command.js'
import { type Fields, type JournalEntry, lineOf, receivedUs, wantedFields, writtenUs } from './journal-entry.js'
import { cursorField, type ExportedEntry, JournalExport } from './journal-export.js'
import { type JournalPosition, timeOfCursorMs } from './journal-position.js'

export interface JournalOptions {
  source: JournalSource
  start: JournalStart
  clock: Clock
  log: Log
  /** Gets the entries in the journal's order, and up to where it is read with them. */
  onEntries(entries: readonly JournalEntry[], position: JournalPosition): void
  /** Told when `stats.state` has changed. */
  onState?(state: JournalState): void
  /** The environment of journalctl; ours when missing. */
  env?: Readonly<Record<string, string | undefined>>
}

/** `reading`: what was there before; `live`: what is written now; `waiting`: journalctl does not run and is tried again. */
export type JournalState = 'reading' | 'live' | 'waiting'

/** Silence for so long means that all that was there has been read. */
const idleMs = 2000
const pauseMs = { first: 500, last: 30_000 }
/** As for files: what is longer is skipped and counted. */
const lineCharactersMax = 64 * 1024
/** journalctl's words, LC_ALL being C: `Failed to seek to cursor: Invalid argument`. */
const cursorRefused = /\bcursor\b/

/** Follows the systemd journal, until it is closed. Programs that end or cannot be started are started again. */
export function followJournal(options: JournalOptions): JournalTail {
  return new JournalTail(options)
}

/** A journal that is followed by a `journalctl` child. */
export class JournalTail {
  readonly #options: JournalOptions
  readonly #machineId = localMachineId()
  readonly #stats = { entriesRead: 0, entriesSkippedTooLong: 0, restarts: 0, state: 'reading' as JournalState }
  /** How far what was read but not told yet goes. */
  #position: JournalPosition | undefined
  #start: JournalStart
  #lastCursor: string | undefined
  #child: RunningChild | undefined
  #ended: Promise<void> = Promise.resolve()
  #startedMs = 0
  #heardMs = 0
  #batch: JournalEntry[] = []
  #pauseMs = pauseMs.first
  #isFailing = false
  #isClosed = false
  #cancelTimer = () => {}

  constructor(options: JournalOptions) {
    this.#options = options
    this.#start = options.start
    this.#lastCursor = options.start.cursor
    this.#run()
  }

  get stats(): Readonly<{ entriesRead: number; entriesSkippedTooLong: number; restarts: number; state: JournalState }> {
    return this.#stats
  }

  /** Nothing is told any more. What was not read yet is read from the position on, in the next run. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelTimer()
    this.#child?.stop()
    await this.#ended
  }

  #run(): void {
    const { source, clock, env } = this.#options
    this.#startedMs = this.#heardMs = clock.now()
    this.#enter('reading')
    const start = this.#start
    let isGarbled = false
    const parser = new JournalExport({ wanted: wantedFields, onEntry: (entry) => this.#read(entry) })
    const child = startChild(journalCommand(source, start, this.#machineId), {
      env: { ...(env ?? process.env), LC_ALL: 'C' },
      onStdout: (piece) => {
        this.#heardMs = clock.now()
        isGarbled = !parser.push(piece)
        if (isGarbled) child.stop()
        this.#deliver()
      },
    })
    this.#child = child
    this.#waitForSilence()
    this.#ended = child.ended.then((end) => {
      const why = isGarbled ? 'what it printed is not the export format' : reasonOf(end)
      this.#onEnd(why, start.cursor !== undefined && cursorRefused.test(end.stderr))
    })
  }

  #read({ fields, isTooLong }: ExportedEntry): void {
    const { clock } = this.#options
    const cursor = fields.get(cursorField)
    // It begins with the entry where we were.
    if (cursor === undefined || cursor === this.#lastCursor) return
    this.#lastCursor = cursor
    const nowMs = clock.now()
    const written = writtenUs(fields) ?? nowMs * 1000
    this.#position = { cursor, writtenUs: written }
    this.#start = { cursor, sinceMs: timeOfCursorMs(cursor) ?? written / 1000 }
    this.#stats.entriesRead++
    if ((receivedUs(fields) ?? 0) / 1000 >= this.#startedMs) this.#enter('live')
    const text = this.#textOf(fields, isTooLong)
    if (text !== undefined) this.#batch.push({ text, timeMs: Math.floor(written / 1000), live: this.#isLive() })
  }

  /** Undefined: too long, or without a message (a message that was too long is missing too). */
  #textOf(fields: Fields, isTooLong: boolean): string | undefined {
    const text = isTooLong || !fields.has('MESSAGE') ? undefined : lineOf(fields)
    if (text !== undefined && text.length <= lineCharactersMax) return text
    this.#stats.entriesSkippedTooLong++
    return undefined
  }

  #isLive(): boolean {
    return this.#stats.state === 'live'
  }

  #deliver(): void {
    const entries = this.#batch
    const position = this.#position
    if (position === undefined || this.#isClosed) return
    this.#batch = []
    this.#position = undefined
    this.#options.onEntries(entries, position)
  }

  /** A child that runs for a while works. One that is silent for a while has told all that was there. */
  #waitForSilence(): void {
    const { clock, log } = this.#options
    this.#cancelTimer = clock.after(idleMs, () => {
      if (this.#isFailing) log.write('NOTICE', 'filtersystemd', `${this.#name()} is read again`)
      this.#isFailing = false
      this.#pauseMs = pauseMs.first
      if (clock.now() - this.#heardMs >= idleMs) this.#enter('live')
      else if (!this.#isLive()) this.#waitForSilence()
    })
  }

  #onEnd(why: string, isCursorRefused: boolean): void {
    this.#cancelTimer()
    if (this.#isClosed) return
    const { clock, log } = this.#options
    this.#stats.restarts++
    this.#enter('waiting')
    if (isCursorRefused) {
      // Damaged, or of a systemd with other cursors. The time remains. (One that was vacuumed is no error: journalctl goes on with what is next.)
      log.write(
        'INFO',
        'filtersystemd',
        `${this.#name()}: the stored place is not found (${why}); reading from its time on`,
      )
      this.#start = { sinceMs: this.#start.sinceMs }
      this.#run()
      return
    }
    if (!this.#isFailing) {
      const consequence = 'It is tried again; the jails that read it wait, all others run'
      log.write('WARNING', 'filtersystemd', `Cannot read ${this.#name()}: ${why}. ${consequence}`)
    }
    this.#isFailing = true
    this.#cancelTimer = clock.after(this.#pauseMs, () => this.#run())
    this.#pauseMs = Math.min(this.#pauseMs * 2, pauseMs.last)
  }

  #enter(state: JournalState): void {
    if (this.#stats.state === state) return
    this.#stats.state = state
    this.#options.onState?.(state)
  }

  #name(): string {
    return journalName(this.#options.source)
  }
}

/** `journal (_SYSTEMD_UNIT=sshd.service + _COMM=sshd)`. */
export function journalName({ matches }: JournalSource): string {
  const text = matches.map((line) => line.join(' ')).join(' + ')
  return `journal (${text || 'all entries'})`
}

function reasonOf({ exitCode, signal, stderr }: Awaited<RunningChild['ended']>): string {
  if (exitCode === 127) return `journalctl is not there (${stderr.trim()}); install systemd, or name a logpath`
  const [said = ''] = stderr.trim().split('\n')
  const how = signal === undefined ? `exit code ${exitCode}` : `signal ${signal}`
  return `journalctl ended with ${how}${said === '' ? '' : `: ${said.slice(0, 300)}`}`
}

/** Of this machine's own entries (machine-id(5)). Undefined where there is none: then nothing is matched out. */
function localMachineId(): string | undefined {
  try {
    const text = readFileSync('/etc/machine-id', 'utf8').trim()
    return /^[0-9a-f]{32}$/.test(text) ? text : undefined
  } catch {
    return undefined
  }
}
