import { pretty, repr } from '../lib/python-repr.js'
import type { SettingsOverrides } from './server-options.js'
import { commandStream, type Saying, type Stream } from './stream.js'

/** What `fail2ban-client` prints and returns; the caller adds time and process to each of `stderr`. */
export interface Printed {
  stdout: string[]
  stderr: readonly Saying[]
  exitCode: 0 | 255
}

export interface PrintOptions {
  dir: string
  overrides?: SettingsOverrides
  fail2banVersion?: string
  /** Fail2ban's server says one sentence less than its client when it cannot go on. */
  isServer?: boolean
}

/**
 * `-t` (spec 1.13), with `-d` or `--dp` the stream before it. NOTE: a jail without any log file is an error here as it is
 * for Fail2ban, but not when a dump is asked for too; our daemon would wait for the file: `missingLogs` says otherwise.
 */
export function testConfiguration(
  options: PrintOptions & { dump?: 'lines' | 'pretty'; missingLogs?: 'error' | 'warning' },
): Printed {
  const { dump, missingLogs = dump ? 'warning' : 'error', isServer = false, ...where } = options
  const stream = commandStream({ ...where, missingLogs, ignoreWrong: false })
  if (stream.kind === 'failed' && stream.stage === 'early') return earlyFailure(stream, isServer)
  const stdout = dump ? dumped(stream, dump) : []
  if (stream.kind === 'read' && stream.isAccepted) {
    return { stdout: [...stdout, 'OK: configuration test is successful'], stderr: stream.sayings, exitCode: 0 }
  }
  const stderr = [...sayings(stream), error('ERROR: test configuration failed')]
  return { stdout, stderr, exitCode: 255 }
}

/** `-d` or `--dp` alone (spec 1.14). */
export function dumpConfiguration(options: PrintOptions & { form: 'lines' | 'pretty' }): Printed {
  const { form, isServer = false, ...where } = options
  const stream = commandStream({ ...where, missingLogs: 'warning', ignoreWrong: true })
  if (stream.kind === 'failed' && stream.stage === 'early') return earlyFailure(stream, isServer)
  const stdout = dumped(stream, form)
  if (stream.kind === 'read' && stream.isAccepted) return { stdout, stderr: stream.sayings, exitCode: 0 }
  return { stdout, stderr: [...sayings(stream), ...initFailed(isServer)], exitCode: 255 }
}

function earlyFailure(stream: Extract<Stream, { kind: 'failed' }>, isServer: boolean): Printed {
  return { stdout: [`ERROR: ${stream.text}`], stderr: [...stream.sayings, ...initFailed(isServer)], exitCode: 255 }
}

function initFailed(isServer: boolean): Saying[] {
  return isServer ? [] : [error('Init of command line failed')]
}

function sayings(stream: Stream): Saying[] {
  const failure = stream.kind === 'failed' ? [error(`Failed during configuration: ${stream.text}`)] : []
  return [...stream.sayings, ...failure]
}

function dumped(stream: Stream, form: 'lines' | 'pretty'): string[] {
  if (stream.kind === 'failed') return ['ERROR: The configuration stream failed because of the invalid syntax.']
  return stream.commands.map((command) => (form === 'lines' ? repr(command) : pretty(command)))
}

function error(text: string): Saying {
  return { level: 'ERROR', module: '', text }
}
