import type { Saying } from '../../config/stream.js'
import { type LogLevel, logLevels } from '../../lib/log.js'
import { localDateTime } from '../../lib/log-writer.js'
import type { Streams } from './streams.js'

/** What a client has to say beside its answer, on standard error. */
export interface ClientLog {
  say(level: LogLevel, text: string): void
  /** What reading the configuration gave rise to. */
  sayAll(sayings: readonly Saying[]): void
}

/**
 * In Fail2ban's log format. Without `-v` warnings and errors are shown, `-q` shows errors, `-v` information, too (spec 7.5).
 * NOTE: Node makes a stream of standard error when it is first asked for, which takes a millisecond that most commands can save.
 */
export function clientLog(streams: Pick<Streams, 'stderr'>, verbosity: number): ClientLog {
  const threshold = verbosity < 0 ? logLevels.ERROR : verbosity === 0 ? logLevels.WARNING : logLevels.INFO
  const sayAll = (sayings: readonly Saying[]) => {
    for (const saying of sayings)
      if (verbosity > 1 || logLevels[saying.level] >= threshold) streams.stderr.write(`${logLine(saying)}\n`)
  }
  return { sayAll, say: (level, text) => sayAll([{ level, module: '', text }]) }
}

function logLine({ level, module, text }: Saying): string {
  const nowMs = Date.now()
  const name = (module === '' ? 'fail2ban' : `fail2ban.${module}`).padEnd(24)
  const millis = String(nowMs % 1000).padStart(3, '0')
  return `${localDateTime(nowMs)},${millis} ${name}[${process.pid}]: ${level.padEnd(7)} ${text}`
}
