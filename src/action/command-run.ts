import type { ChildResult } from '../lib/child.js'
import type { Log, LogLevel } from '../lib/log.js'
import { repr } from '../lib/python-repr.js'
import { argvOf, printed, type ShellCommand } from '../lib/shell-command.js'

/** Runs a program to its end or to its time-out. */
export type Run = (argv: readonly string[], options: { timeoutMs: number }) => Promise<ChildResult>

/** Lines of each output that are logged when a command has failed; the rest is only counted. */
const outputLinesMax = 100

/** Runs a command and logs what Fail2ban would (spec 6.1, 9.2): everything when it fails, nearly nothing when it does not. */
export async function runCommand(
  command: ShellCommand,
  options: { run: Run; log: Log; timeoutS: number },
): Promise<boolean> {
  const { run, log, timeoutS } = options
  const result = await run(argvOf(command), { timeoutMs: timeoutS * 1000 })
  const isGood = result.exitCode === 0 && !result.timedOut
  if (isGood && !log.isOn('DEBUG')) return true
  const id = nextId()
  const say = (level: LogLevel, text: string) => log.write(level, 'utils', `${id} -- ${text}`)
  say(isGood ? 'TRACEDEBUG' : 'ERROR', `exec: ${cut(printed(command))}`)
  if (result.timedOut) say('ERROR', `timed out after ${timeoutS} seconds.`)
  sayOutput('stdout', result.stdout, (line) => say(isGood ? 'DEBUG' : 'ERROR', line))
  sayOutput('stderr', result.stderr, (line) => say(isGood ? 'DEBUG' : 'ERROR', line))
  if (isGood) say('DEBUG', 'returned successfully 0')
  else sayFailure(result, command, log, say)
  return isGood
}

/** A command may hold lines of an attacker as long as he likes; the log need not. */
const printedLengthMax = 20_000

function cut(text: string): string {
  const more = text.length - printedLengthMax
  return more > 0 ? `${text.slice(0, printedLengthMax)}… and ${more} more characters` : text
}

let last = 0

/** Fail2ban prints an address in its memory, only to tell which lines belong together; ours are as long. */
function nextId(): string {
  last = (last + 1) % 0x10000000
  return (0x7f0000000000 + last * 16).toString(16)
}

function sayOutput(name: string, text: string, say: (line: string) => void): void {
  const lines = text.split(/\r\n|\n|\r/)
  if (lines.at(-1) === '') lines.pop()
  for (const line of lines.slice(0, outputLinesMax)) say(`${name}: ${repr(line)}`)
  if (lines.length > outputLinesMax) say(`${name}: and ${lines.length - outputLinesMax} more lines`)
}

function sayFailure(
  { exitCode, signal }: ChildResult,
  command: ShellCommand,
  log: Log,
  say: (level: LogLevel, text: string) => void,
): void {
  if (exitCode !== undefined && exitCode > 128) {
    say('ERROR', `killed with ${signalNames[exitCode - 128] ?? `signal ${exitCode - 128}`} (return code: ${exitCode})`)
  } else if (exitCode !== undefined) {
    say('ERROR', `returned ${exitCode}`)
    if (exitCode === 127) log.write('INFO', 'utils', `HINT on 127: ${notFound(command)}`)
  } else {
    const number = signalNames.indexOf(signal ?? '')
    say('ERROR', `killed with ${signal ?? 'a signal'} (return code: ${number < 0 ? 'unknown' : -number})`)
  }
}

/** By number, signal(7), x86 and ARM. */
const signalNames = (
  '0 SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE SIGALRM SIGTERM ' +
  'SIGSTKFLT SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM SIGPROF SIGWINCH SIGIO SIGPWR SIGSYS'
).split(' ')

function notFound(command: ShellCommand): string {
  const text = cut(command.values.length === 0 ? repr(command.script) : printed(command))
  return (
    `"Command not found".  Make sure that all commands in ${text} are in the PATH of the server process ` +
    '(grep -a PATH= /proc/PID/environ, with the PID of the server).'
  )
}
