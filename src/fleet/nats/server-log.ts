import type { Clock } from '../../lib/clock.js'
import type { Log, LogLevel } from '../../lib/log.js'

const lineCharsMax = 500
/** Lines that are passed on in a window; the others are counted. Clients decide how much a server has to say. */
const linesMax = 60
const windowMs = 60_000

/**
 * What nats-server prints, as lines of our own log: `[PID] 2026/11/21 08:20:01.123456 [INF] Server is ready`. An over-long line is
 * cut; a flood is counted instead of written.
 */
export class ServerLog {
  readonly #log: Log
  readonly #clock: Clock
  readonly #onReady: () => void
  #rest = ''
  #windowStartMs = 0
  #written = 0
  #lastTrouble: string | undefined

  constructor(log: Log, clock: Clock, onReady: () => void) {
    this.#log = log
    this.#clock = clock
    this.#onReady = onReady
  }

  /** The newest fatal or else erroneous line: why a server ended. */
  get lastTrouble(): string | undefined {
    return this.#lastTrouble
  }

  take(piece: Buffer): void {
    const lines = (this.#rest + piece.toString('latin1')).split('\n')
    this.#rest = (lines.pop() ?? '').slice(0, lineCharsMax)
    for (const line of lines) this.#line(line.slice(0, lineCharsMax))
  }

  #line(line: string): void {
    const [, level, text = line] = /^(?:\[\d+\] )?[\d/]+ [\d:.]+ \[(\w+)\] (.*)$/.exec(line) ?? []
    if (level === 'INF' && text === 'Server is ready') this.#onReady()
    if (level === 'FTL' || level === 'ERR' || (level === undefined && text.startsWith('nats-server: ')))
      this.#lastTrouble = text
    const nowMs = this.#clock.now()
    if (nowMs - this.#windowStartMs >= windowMs) this.#newWindow(nowMs)
    if (++this.#written > linesMax) return
    this.#log.write(ownLevel(level, text), 'fleet', `nats-server: ${text}`)
  }

  #newWindow(nowMs: number): void {
    const unwritten = this.#written - linesMax
    if (unwritten > 0) this.#log.write('INFO', 'fleet', `nats-server said ${unwritten} more lines in a minute`)
    this.#windowStartMs = nowMs
    this.#written = 0
  }
}

/** A client that was refused is an error to the server; it is no trouble of ours, anybody can cause it. */
function ownLevel(level: string | undefined, text: string): LogLevel {
  if (level === 'FTL' || text.startsWith('Failed to reload')) return 'ERROR'
  // The server takes it for normal that somebody is cut off who reads too slowly; whoever misses his words does not.
  return level === 'ERR' || level === 'WRN' || text.includes('Slow Consumer') ? 'INFO' : 'DEBUG'
}
