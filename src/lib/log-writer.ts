import { closeSync, writeSync } from 'node:fs'
import type { Clock } from './clock.js'
import { type Log, type LogLevel, logLevels } from './log.js'
import { openAtOnce } from './open-at-once.js'

/** Where formatted lines go: a file that can be re-opened after rotation, or a stream that is always there. */
export interface LogSink {
  write(text: string): void
  /** Opens the file anew under its name, after a rotation. */
  reopen(): void
  close(): void
}

/** A log with an end. */
export interface ClosableLog extends Log {
  /** Opens its file anew, after a rotation. */
  reopen(): void
  close(): void
}

export interface LogWriterOptions {
  clock: Clock
  /** The least that is written: a number of `logLevels`. */
  threshold: number
  sinks: readonly LogSink[]
  pid: number
}

/**
 * Fail2ban's log format (spec 9.1): `2026-11-21 01:51:22,273 fail2ban.actions        [18021]: NOTICE  [sshd] Ban 192.0.2.1`.
 * Lines are gathered and written together: at the end of the turn of the event loop, or when 64 KiB are full.
 */
export class LogWriter implements ClosableLog {
  readonly #options: LogWriterOptions
  readonly #threshold: number
  readonly #middles = new Map<string, string>()
  #pending = ''
  #scheduled = false
  /** The last head, and what it is for: in a burst, lines share level, module and even the millisecond. */
  #last: { timeMs: number; level: LogLevel; module: string; text: string } | undefined

  constructor(options: LogWriterOptions) {
    this.#options = options
    this.#threshold = options.threshold
  }

  isOn(level: LogLevel): boolean {
    return logLevels[level] >= this.#threshold
  }

  write(level: LogLevel, module: string, text: string): void {
    if (!this.isOn(level)) return
    this.#pending += `${this.#head(level, module)}${printable(text)}\n`
    if (this.#pending.length > 65_536) this.flush()
    else if (!this.#scheduled) {
      this.#scheduled = true
      setImmediate(() => this.flush())
    }
  }

  flush(): void {
    this.#scheduled = false
    const text = this.#pending
    this.#pending = ''
    if (text !== '') for (const sink of this.#options.sinks) sink.write(text)
  }

  /** Fail2ban's `flushlogs`: what is pending goes to the old file, what follows to the new one. */
  reopen(): void {
    this.flush()
    for (const sink of this.#options.sinks) sink.reopen()
  }

  close(): void {
    this.flush()
    for (const sink of this.#options.sinks) sink.close()
  }

  /** Everything before the text. */
  #head(level: LogLevel, module: string): string {
    const timeMs = this.#options.clock.now()
    const last = this.#last
    if (last !== undefined && last.timeMs === timeMs && last.module === module && last.level === level) return last.text
    const millisecond = timeMs - Math.floor(timeMs / 1000) * 1000
    const stamp = `${localDateTime(timeMs)},${String(millisecond).padStart(3, '0')}`
    const text = `${stamp}${this.#middle(level, module)}`
    this.#last = { timeMs, level, module, text }
    return text
  }

  /** What stands between time and text; there are few of them. */
  #middle(level: LogLevel, module: string): string {
    const key = level + module
    const known = this.#middles.get(key)
    if (known !== undefined) return known
    const name = (module === '' ? 'fail2ban' : `fail2ban.${module}`).padEnd(24)
    const middle = ` ${name}[${this.#options.pid}]: ${level.padEnd(7)} `
    this.#middles.set(key, middle)
    return middle
  }
}

let lastSecond = Number.NaN
let lastText = ''

/** `2026-11-21 01:51:22` in local time, as Fail2ban prints times. Remembers the last second: a burst of lines shares it. */
export function localDateTime(timeMs: number): string {
  const second = Math.floor(timeMs / 1000)
  if (second !== lastSecond) {
    lastSecond = second
    lastText = formatDateTime(new Date(timeMs))
  }
  return lastText
}

function formatDateTime(at: Date): string {
  const two = (n: number) => String(n).padStart(2, '0')
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}

/**
 * A file opened for appending; created with mode 0640. A failed write (full disk) drops these lines: the log must never stop
 * the protection, and there is nowhere else to say so.
 */
export function fileSink(path: string): LogSink {
  let fd = openAtOnce(path, { how: 'append', mode: 0o640 })
  return {
    write: (text) => tryWrite(fd, text),
    reopen() {
      const fresh = openAtOnce(path, { how: 'append', mode: 0o640 })
      closeSync(fd)
      fd = fresh
    },
    close: () => closeSync(fd),
  }
}

/** STDOUT (1) or STDERR (2). */
export function streamSink(fd: 1 | 2): LogSink {
  return { write: (text) => tryWrite(fd, text), reopen() {}, close() {} }
}

function tryWrite(fd: number, text: string): void {
  try {
    // All ASCII, as nearly always: then Latin-1 gives the same bytes in a third of the time.
    writeSync(fd, text, null, Buffer.byteLength(text) === text.length ? 'latin1' : 'utf8')
  } catch {
    // A full disk or a closed pipe costs log lines, never the protection.
  }
}

/**
 * Log text may be an attacker's: terminal controls are shown as \xNN, and further lines of a message are indented. A line of
 * ours therefore always begins with a date that we wrote, which is what a jail that follows our own log relies on.
 */
export function printable(text: string): string {
  return special.test(text) ? text.replaceAll('\n', '\n    ').replace(controls, escaped) : text
}

function escaped(char: string): string {
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`
}

const special = /[\0-\x08\x0a-\x1f\x7f-\x9f]/
const controls = /[\0-\x08\x0b-\x1f\x7f-\x9f]/g
