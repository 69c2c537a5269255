import type { LogLevel } from '../lib/log.js'
import { reprText } from '../lib/python-text.js'
import { ConfigError, JailError } from './config-error.js'
import { type Command, jailCommands, sent } from './jail-commands.js'
import { type JailContext, type JailReading, readJail } from './jail-file.js'
import { addStaticDefaults, fail2banVersionDefault, jailNames } from './jail-sections.js'
import type { MergedIni } from './merged-ini.js'
import { ConfigFiles } from './read-order.js'
import { readEarlyOptions, readServerOptions, type SettingsOverrides } from './server-options.js'
import type { Options, Say } from './typed-options.js'

/** What Fail2ban's client logs while it reads. */
export interface Saying {
  level: LogLevel
  /** The logger: `configreader` is printed as `fail2ban.configreader`, the empty one as `fail2ban`. */
  module: string
  text: string
}

export interface StreamOptions {
  dir: string
  overrides?: SettingsOverrides
  fail2banVersion?: string
  /** A jail none of whose logs exists: Fail2ban refuses to start, and only warns in a dump. */
  missingLogs: 'error' | 'warning'
  /** Whether right jails make up for wrong ones (start, reload, `-d`) or not (`-t`). */
  ignoreWrong: boolean
  /** Only this one (`reload JAIL`); no other is looked at. */
  jail?: string
}

/**
 * `read`: `isAccepted` says whether enough jails are right. `failed`: nothing can be sent; `stage` tells whether the
 * server's own settings (early) or the rest (late) are to blame, because Fail2ban words the two differently.
 */
export type Stream = { sayings: readonly Saying[] } & (
  | { kind: 'read'; commands: readonly Command[]; isAccepted: boolean }
  | { kind: 'failed'; stage: 'early' | 'late'; text: string }
)

/**
 * The commands into which Fail2ban's client turns a configuration (spec 1.11), read as it reads: the first error that
 * concerns everything ends it.
 */
export function commandStream(options: StreamOptions): Stream {
  const sayings: Saying[] = []
  const say: Say = (level, module, text) => sayings.push({ level, module, text })
  const files = new ConfigFiles(options.dir)
  const early = stage(() => readEarly(files, options.overrides ?? {}, say))
  if ('failed' in early) return { sayings, kind: 'failed', stage: 'early', text: early.failed }
  const late = stage(() => readAll(files, early.done, options, say))
  if ('failed' in late) return { sayings, kind: 'failed', stage: 'late', text: late.failed }
  return { sayings, kind: 'read', ...late.done }
}

function stage<T>(task: () => T): { done: T } | { failed: string } {
  try {
    return { done: task() }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { failed: error.peerText }
  }
}

interface Early {
  ini: MergedIni
  options: Options
}

function readEarly(files: ConfigFiles, overrides: SettingsOverrides, say: Say): Early {
  // The blank at the end is Fail2ban's.
  if (!files.exists) throw new ConfigError(`Base configuration directory ${files.dir} does not exist `)
  const reading = files.read('fail2ban', say)
  if (reading.kind !== 'read') throw new ConfigError('Read fail2ban configuration failed.')
  const options = readEarlyOptions(reading.ini, overrides, say)
  // Only the log level can be wrong here; the rest is read, and told of, with everything else.
  readServerOptions(reading.ini, options, () => {})
  return { ini: reading.ini, options }
}

function readAll(
  files: ConfigFiles,
  early: Early,
  options: StreamOptions,
  say: Say,
): { commands: Command[]; isAccepted: boolean } {
  const reading = files.read('jail', say)
  if (reading.kind !== 'read') throw new ConfigError('Read jails configuration failed.')
  const server = readServerOptions(early.ini, early.options, say)
  addStaticDefaults(reading.ini, files.dir, options.fail2banVersion ?? fail2banVersionDefault)
  const context: JailContext = { files, ini: reading.ini, say, fault: raise }
  const outcomes = wantedJails(reading.ini, options.jail).flatMap(
    (name) => outcomeOf(name, context, options.ignoreWrong) ?? [],
  )
  const jails = outcomes.map((outcome) => ({
    name: outcome.name,
    commands:
      'wrong' in outcome
        ? [configError(outcome.name, outcome.wrong)]
        : jailCommands(outcome.jail, { ...context, missingLogs: options.missingLogs }),
  }))
  const running = jails.filter(({ commands }) => commands[0]?.[0] !== 'config-error')
  const commands = [
    ...serverCommands(server),
    ...jails.flatMap((jail) => jail.commands),
    ...running.map(({ name }) => ['start', name]),
  ]
  const isWrong = outcomes.some((outcome) => 'wrong' in outcome)
  const isRight = outcomes.some((outcome) => 'jail' in outcome)
  return { commands, isAccepted: !isWrong || (options.ignoreWrong && isRight) }
}

function wantedJails(ini: MergedIni, jail: string | undefined): readonly string[] {
  if (jail === undefined) return jailNames(ini)
  if (!ini.sections.has(jail)) throw new ConfigError(`No section: ${reprText(jail)}`)
  return [jail]
}

function raise(error: ConfigError): never {
  throw error
}

type Outcome = { name: string } & ({ jail: JailReading } | { wrong: string })

/** Undefined: not enabled. */
function outcomeOf(name: string, context: JailContext, ignoreWrong: boolean): Outcome | undefined {
  try {
    const jail = readJail(name, context)
    return jail && { name, jail }
  } catch (error) {
    if (!(error instanceof JailError)) throw error
    context.say('ERROR', 'jailreader', error.peerText)
    context.say('ERROR', 'jailsreader', `Errors in jail '${name}'.${ignoreWrong ? ' Skipping...' : ''}`)
    return { name, wrong: error.peerText }
  }
}

function configError(jail: string, reason: string): Command {
  return ['config-error', `Jail '${jail}' skipped, because of wrong configuration: ${reason}`]
}

const serverOrder = ['syslogsocket', 'loglevel', 'logtarget', 'allowipv6', 'dbfile', 'dbmaxmatches', 'dbpurgeage']

function serverCommands(options: Options): Command[] {
  const stacksize = options.get('stacksize')
  const thread: Command[] = stacksize ? [['set', 'thread', { stacksize: sent(stacksize.value) }]] : []
  const others = serverOrder.flatMap((name): Command[] => {
    const option = options.get(name)
    return option ? [['set', name, sent(option.value)]] : []
  })
  return [...thread, ...others]
}
