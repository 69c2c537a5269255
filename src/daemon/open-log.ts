import { mkdirSync } from 'node:fs'
import path from 'node:path'
import type { Clock } from '../lib/clock.js'
import { type LogLevel, logLevels } from '../lib/log.js'
import { fileSink, type LogSink, LogWriter, streamSink } from '../lib/log-writer.js'
import { logFileOf, type Paths } from './paths.js'

export interface OpenLogOptions {
  clock: Clock
  paths: Paths
  loglevel: string
  /** Also copies the log to the terminal. */
  verbose: boolean
}

/** The log at the target that `fail2ban.conf` names. Throws when the file cannot be opened. */
export function openLog(options: OpenLogOptions): LogWriter {
  const level = options.loglevel.toUpperCase()
  return new LogWriter({
    clock: options.clock,
    level: isLevel(level) ? level : 'INFO',
    sinks: sinksOf(options),
    pid: process.pid,
  })
}

function sinksOf({ paths, verbose }: OpenLogOptions): LogSink[] {
  const file = logFileOf(paths)
  if (file === undefined) {
    // NOTE: SYSLOG and the journal are reached through the service manager, which reads our standard error.
    return [streamSink(/^(?:STDOUT|SYSOUT)$/i.test(paths.logTarget) ? 1 : 2)]
  }
  mkdirSync(path.dirname(file), { recursive: true })
  return verbose ? [fileSink(file), streamSink(1)] : [fileSink(file)]
}

function isLevel(text: string): text is LogLevel {
  return text in logLevels
}
