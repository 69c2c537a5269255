import { nowhere, type Problem } from '../domain/origin.js'
import { type LogLevel, logLevels } from '../lib/log.js'
import { reprText } from '../lib/python-text.js'
import { ConfigError } from './config-error.js'
import { parseDurationMs } from './duration.js'
import type { MergedIni } from './merged-ini.js'
import { traced } from './traced.js'
import { type Option, type Options, readOptions, type Say, type Template } from './typed-options.js'

/** What `fail2ban.conf` says about the server as a whole (spec 2.1). */
export interface ServerSettings {
  socket: string
  pidfile: string
  /** A name of spec 9.1 or a number, as text. */
  loglevel: string
  /** File, STDOUT, STDERR, SYSOUT, SYSLOG or SYSTEMD-JOURNAL, with its `[options]` if any. */
  logtarget: string
  syslogsocket: string
  allowipv6: string
  /** Undefined: no database (`None`). */
  dbfile: string | undefined
  dbmaxmatches: number
  dbpurgeageMs: number
  /** `[Thread] stacksize` in KiB; kept for `-d` only. */
  stacksize?: number
}

/** Given on the command line; they win over the files. */
export type SettingsOverrides = Partial<
  Pick<ServerSettings, 'socket' | 'pidfile' | 'loglevel' | 'logtarget' | 'syslogsocket'>
>

const earlyTemplate: Template = [
  ['text', 'socket', '/var/run/fail2ban/fail2ban.sock'],
  ['text', 'pidfile', '/var/run/fail2ban/fail2ban.pid'],
  ['text', 'loglevel', 'INFO'],
  ['text', 'logtarget', '/var/log/fail2ban.log'],
  ['text', 'syslogsocket', 'auto'],
]

const lateTemplate: Template = [
  ['text', 'loglevel', 'INFO'],
  ['text', 'logtarget', 'STDERR'],
  ['text', 'syslogsocket', 'auto'],
  ['text', 'allowipv6', 'auto'],
  ['text', 'dbfile', '/var/lib/fail2ban/fail2ban.sqlite3'],
  ['int', 'dbmaxmatches'],
  ['text', 'dbpurgeage', '1d'],
]

/** Read before anything else: where the server is and where it writes. Throws ConfigError from interpolation. */
export function readEarlyOptions(ini: MergedIni, overrides: SettingsOverrides, say: Say): Options {
  return overlay(readOptions(ini, 'Definition', earlyTemplate, { say }), overrides)
}

/** The rest, in the order in which it is sent; `early` wins. Throws ConfigError, also for a wrong log level. */
export function readServerOptions(ini: MergedIni, early: Options, say: Say): Options {
  const options = new Map([...readOptions(ini, 'Definition', lateTemplate, { say }), ...early])
  const level = textOf(options.get('loglevel'))
  if (!isLogLevel(level)) {
    const origin = options.get('loglevel')?.written?.marks[0]?.origin
    throw new ConfigError(`loglevel ${JSON.stringify(level)} is not known`, {
      ...(origin && { origin }),
      hint: `use one of ${Object.keys(logLevels).join(', ')}, or a number`,
      peerText: `Invalid log level ${reprText(level)}`,
    })
  }
  if (ini.sections.has('Thread')) {
    const stacksize = readOptions(ini, 'Thread', [['int', 'stacksize']], { say }).get('stacksize')
    if (stacksize) options.set('stacksize', stacksize)
  }
  return options
}

/** Typed; what is wrong is added to `problems` and takes its default. */
export function serverSettings(options: Options, problems: Problem[]): ServerSettings {
  const dbfile = textOf(options.get('dbfile'))
  const stacksize = options.get('stacksize')?.value
  return {
    socket: textOf(options.get('socket')),
    pidfile: textOf(options.get('pidfile')),
    loglevel: textOf(options.get('loglevel')),
    logtarget: textOf(options.get('logtarget')),
    syslogsocket: textOf(options.get('syslogsocket')),
    allowipv6: textOf(options.get('allowipv6')),
    dbfile: dbfile.toLowerCase() === 'none' ? undefined : dbfile,
    dbmaxmatches: whole(options.get('dbmaxmatches'), problems),
    dbpurgeageMs: duration(options.get('dbpurgeage'), problems),
    ...(typeof stacksize === 'number' && { stacksize }),
  }
}

export function textOf(option: Option | undefined): string {
  const value = option?.value
  return typeof value === 'object' ? value.text : String(value ?? '')
}

function overlay(options: Options, overrides: SettingsOverrides): Options {
  const all = new Map(options)
  for (const [name, value] of Object.entries(overrides)) {
    if (value !== undefined) all.set(name, { value: traced(value, nowhere) })
  }
  return all
}

/** Python takes any attribute of its `logging` module; only the levels make sense. */
function isLogLevel(text: string): boolean {
  const known: readonly string[] = [...(Object.keys(logLevels) as LogLevel[]), 'WARN', 'FATAL', 'NOTSET']
  return /^\d+$/.test(text) || known.includes(text.toUpperCase())
}

const dbmaxmatchesDefault = 10
const dbpurgeageDefaultMs = 86_400_000

function whole(option: Option | undefined, problems: Problem[]): number {
  if (option === undefined) return dbmaxmatchesDefault
  if (typeof option.value === 'number' && option.value >= 0) return option.value
  problems.push(wrong('dbmaxmatches', option, 'is not a whole number'))
  return dbmaxmatchesDefault
}

function duration(option: Option | undefined, problems: Problem[]): number {
  const ms = parseDurationMs(textOf(option))
  if (ms !== undefined) return ms
  problems.push(wrong('dbpurgeage', option, 'is not a time'))
  return dbpurgeageDefaultMs
}

function wrong(name: string, option: Option | undefined, what: string): Problem {
  const origin = option?.written?.marks[0]?.origin
  const message = `${name} ${JSON.stringify(option?.written?.text ?? '')} ${what}`
  return { severity: 'error', message, ...(origin && { origin }) }
}
