import { parseDurationMs } from '../../config/duration.js'
import type { SettingsOverrides } from '../../config/server-options.js'
import { type Given, getopt } from './getopt.js'

/** What the options of `fail2ban-client` and `fail2ban-server` say (spec 7.5). */
export interface ClientOptions {
  dir: string
  overrides: SettingsOverrides
  processName: string | undefined
  dump: 'lines' | 'pretty' | undefined
  test: boolean
  isInteractive: boolean
  /** 0 says warnings, each `-v` adds, each `-q` takes away. */
  verbosity: number
  /** Remove a socket that nobody answers on. */
  isForced: boolean
  isForeground: boolean
  /** Started by a client that has read the configuration already and waits for our answer. */
  isAsync: boolean
  /** How long a start may take. */
  timeoutMs: number
}

/** `answer`: printed, and the program ends well. `wrong`: the command line is not understood. `fault`: a value in it is wrong. */
export type CommandLine =
  | { kind: 'run'; options: ClientOptions; command: readonly string[] }
  | { kind: 'answer'; what: 'help' | 'version' | 'short version' }
  | { kind: 'seconds'; text: string }
  | { kind: 'wrong' }
  | { kind: 'fault'; text: string }

const accepted = {
  short: 'hc:s:p:xfbdtviqV',
  long: [
    'loglevel=',
    'logtarget=',
    'syslogsocket=',
    'test',
    'async',
    'conf=',
    'pidfile=',
    'pname=',
    'socket=',
    'timeout=',
    'str2sec=',
    'help',
    'version',
    'dp',
    'dump-pretty',
  ],
}

const timeoutDefaultMs = 30_000

/** Reads the words behind the program's name. Options are carried out in their order, so the first that answers wins. */
export function readCommandLine(argv: readonly string[]): CommandLine {
  const given = getopt(argv, accepted)
  if (typeof given === 'string') return { kind: 'wrong' }
  for (const { name, value } of given.options) {
    if (name === '-h' || name === '--help') return { kind: 'answer', what: 'help' }
    if (name === '-V') return { kind: 'answer', what: 'short version' }
    if (name === '--version') return { kind: 'answer', what: 'version' }
    if (name === '--str2sec') return { kind: 'seconds', text: value }
    if (name === '--timeout' && parseDurationMs(value) === undefined)
      return { kind: 'fault', text: `"${value}" is not a time: try 30, 30s or 1m` }
  }
  return { kind: 'run', options: optionsOf(given), command: given.rest }
}

function optionsOf({ options }: Given): ClientOptions {
  const last = (...names: string[]) => options.findLast(({ name }) => names.includes(name))
  const count = (wanted: string) => options.filter(({ name }) => name === wanted).length
  const has = (...names: string[]) => last(...names) !== undefined
  const socket = last('-s', '--socket')?.value
  const pidfile = last('-p', '--pidfile')?.value
  const [loglevel, logtarget, syslogsocket] = ['--loglevel', '--logtarget', '--syslogsocket'].map(
    (name) => last(name)?.value,
  )
  const dump = last('-d', '--dp', '--dump-pretty')?.name
  const timeout = last('--timeout')?.value
  return {
    dir: last('-c', '--conf')?.value ?? '/etc/fail2ban',
    overrides: {
      ...(socket !== undefined && { socket }),
      ...(pidfile !== undefined && { pidfile }),
      ...(loglevel !== undefined && { loglevel }),
      ...(logtarget !== undefined && { logtarget }),
      ...(syslogsocket !== undefined && { syslogsocket }),
    },
    processName: last('--pname')?.value,
    dump: dump === undefined ? undefined : dump === '-d' ? 'lines' : 'pretty',
    test: has('-t', '--test'),
    isInteractive: has('-i'),
    verbosity: count('-v') - count('-q'),
    isForced: has('-x'),
    isForeground: last('-f', '-b')?.name === '-f',
    isAsync: has('--async'),
    timeoutMs: (timeout === undefined ? undefined : parseDurationMs(timeout)) ?? timeoutDefaultMs,
  }
}
