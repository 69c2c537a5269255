import { parseArgs } from 'node:util'
import { parseDurationMs } from '../config/duration.js'
import type { Saying } from '../config/stream.js'
import { dumpConfiguration, type Printed, testConfiguration } from '../config/test-configuration.js'
import { checkConfig } from '../daemon/check.js'
import { logLevels } from '../lib/log.js'
import { localDateTime } from '../lib/log-writer.js'
import { fail2banLevel } from '../lib/version.js'

/** What these programs print to and return. */
interface Streams {
  stdout: { write(text: string): void }
  stderr: { write(text: string): void }
}

/** Fail2ban's only failure (spec 1.13). */
const failed = 255

const options = {
  conf: { type: 'string', short: 'c' },
  socket: { type: 'string', short: 's' },
  pidfile: { type: 'string', short: 'p' },
  loglevel: { type: 'string' },
  logtarget: { type: 'string' },
  syslogsocket: { type: 'string' },
  dump: { type: 'boolean', short: 'd' },
  dp: { type: 'boolean' },
  'dump-pretty': { type: 'boolean' },
  test: { type: 'boolean', short: 't' },
  str2sec: { type: 'string' },
  verbose: { type: 'boolean', short: 'v', multiple: true },
  quiet: { type: 'boolean', short: 'q', multiple: true },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
  V: { type: 'boolean', short: 'V' },
} as const

const usage = (program: string) => `Usage: ${program} [OPTIONS]

What works so far of Fail2ban's ${program}; for everything else see 'tocsin --help'.

    -c, --conf <DIR>        configuration directory
    -s, --socket <FILE>     socket path            (these five go into the dump)
    -p, --pidfile <FILE>    pidfile path
    --loglevel <LEVEL>      logging level
    --logtarget <TARGET>    logging target
    --syslogsocket auto|<FILE>
    -d                      dump configuration
    --dp, --dump-pretty     dump the configuration, readable
    -t, --test              test configuration
    --str2sec <STRING>      convert time abbreviation to seconds
    -v, -q                  say more, less
    -h, --help              display this help message
    -V, --version           print the version (-V returns the short form)
`

/** `fail2ban-client` and `fail2ban-server`: dump, test and version (spec 7.5); other commands answer "not yet". */
export function fail2banProgram(program: string, argv: readonly string[], out: Streams): number {
  const parsed = parse(argv)
  if ('wrong' in parsed) return refuse(program, parsed.wrong, out)
  const { values, positionals } = parsed
  if (values.help) return say(usage(program).trimEnd(), out)
  if (values.V) return say(fail2banLevel, out)
  if (values.version) return say(`Fail2Ban v${fail2banLevel}`, out)
  if (values.str2sec !== undefined) return secondsOf(values.str2sec, out)
  const { dump, test } = values
  const pretty = values.dp || values['dump-pretty']
  if (!dump && !pretty && !test) return notYet(program, positionals, out)
  const { socket, pidfile, loglevel, logtarget, syslogsocket } = values
  const given = Object.entries({ socket, pidfile, loglevel, logtarget, syslogsocket }).filter(
    ([, value]) => value !== undefined,
  )
  const where = { dir: values.conf ?? '/etc/fail2ban', overrides: Object.fromEntries(given) }
  const form = pretty ? 'pretty' : 'lines'
  const printed = test
    ? testConfiguration({ ...where, ...(dump || pretty ? { dump: form } : {}) })
    : dumpConfiguration({ ...where, form })
  const verbosity = (values.verbose?.length ?? 0) - (values.quiet?.length ?? 0)
  return show(test && printed.exitCode === 0 ? withDoubts(printed, where.dir) : printed, verbosity, out)
}

/** What Fail2ban's own test does not look at: regexes, dates, ports. Warnings only, so that a deployment that passes there passes here. */
function withDoubts(printed: Printed, dir: string): Printed {
  const doubts = checkConfig(dir).problems.filter((problem) => problem.severity === 'error')
  const sayings = doubts.map(({ jail, message, origin }): Saying => {
    const place = origin ? ` (${origin.file}:${origin.line})` : ''
    return { level: 'WARNING', module: '', text: `${jail === undefined ? '' : `Jail '${jail}': `}${message}${place}` }
  })
  return { ...printed, stderr: [...printed.stderr, ...sayings] }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true })
  } catch (error) {
    return { wrong: error instanceof Error ? error.message : String(error) }
  }
}

function show({ stdout, stderr, exitCode }: Printed, verbosity: number, out: Streams): number {
  for (const saying of stderr) if (isShown(saying, verbosity)) out.stderr.write(`${logLine(saying)}\n`)
  if (stdout.length > 0) out.stdout.write(`${stdout.join('\n')}\n`)
  return exitCode
}

/** A client says warnings, and with -v more (spec 7.5). */
function isShown({ level }: Saying, verbosity: number): boolean {
  const least =
    verbosity < 0 ? logLevels.ERROR : verbosity === 0 ? logLevels.WARNING : verbosity === 1 ? logLevels.INFO : 0
  return logLevels[level] >= least
}

function logLine({ level, module, text }: Saying): string {
  const nowMs = Date.now()
  const name = (module === '' ? 'fail2ban' : `fail2ban.${module}`).padEnd(24)
  return `${localDateTime(nowMs)},${String(nowMs % 1000).padStart(3, '0')} ${name}[${process.pid}]: ${level.padEnd(7)} ${text}`
}

function secondsOf(text: string, out: Streams): number {
  const durationMs = parseDurationMs(text)
  if (durationMs === undefined) {
    out.stderr.write(`Cannot read "${text}" as a time: try 10m, 1h 30m, 1w\n`)
    return failed
  }
  return say(String(durationMs / 1000), out)
}

function say(text: string, out: Streams): number {
  out.stdout.write(`${text}\n`)
  return 0
}

function refuse(program: string, wrong: string, out: Streams): number {
  out.stderr.write(`${wrong}\n`)
  out.stdout.write(usage(program))
  return failed
}

function notYet(program: string, command: readonly string[], out: Streams): number {
  const what =
    command.length === 0 ? 'without a command it has nothing to do' : `'${command.join(' ')}' is not carried out yet`
  out.stderr.write(
    `${program}: ${what}; so far it does -d, --dp, -t, --str2sec and --version, and 'tocsin --help' shows the rest\n`,
  )
  return failed
}
