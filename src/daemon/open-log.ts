import { mkdirSync } from 'node:fs'
import path from 'node:path'
import type { Clock } from '../lib/clock.js'
import { type LogLevel, logLevels } from '../lib/log.js'
import { type ClosableLog, fileSink, type LogSink, LogWriter, streamSink } from '../lib/log-writer.js'
import { journalLog, syslogLog } from '../lib/system-log.js'
import { logFileOf, type Paths } from './paths.js'

export interface OpenLogOptions {
  clock: Clock
  paths: Paths
  /** A name of Fail2ban's or a number (spec 9.1). */
  loglevel: string
  /** `auto`: /dev/log. */
  syslogsocket: string
  /** Also copies a log file to the terminal. */
  verbose: boolean
}

/** The log at the target that `fail2ban.conf` names. Throws when that cannot be opened. */
export function openLog(options: OpenLogOptions): ClosableLog {
  const { clock, paths, syslogsocket } = options
  const threshold = thresholdOf(options.loglevel)
  const pid = process.pid
  const target = paths.logTarget.toUpperCase()
  if (target === 'SYSLOG') return syslogLog({ threshold, pid }, syslogsocket === 'auto' ? '/dev/log' : syslogsocket)
  if (target === 'SYSTEMD-JOURNAL') return journalLog({ threshold, pid }, (text) => process.stderr.write(text))
  return new LogWriter({ clock, threshold, pid, sinks: sinksOf(options, target) })
}

function sinksOf({ paths, verbose }: OpenLogOptions, target: string): LogSink[] {
  const file = logFileOf(paths)
  if (file === undefined) return [streamSink(target === 'STDERR' ? 2 : 1)]
  mkdirSync(path.dirname(file), { recursive: true })
  return verbose ? [fileSink(file), streamSink(1)] : [fileSink(file)]
}

function thresholdOf(loglevel: string): number {
  const name = loglevel.toUpperCase()
  return Object.hasOwn(logLevels, name) ? logLevels[name as LogLevel] : Number(loglevel) || logLevels.INFO
}
