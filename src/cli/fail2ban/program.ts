import { parseDurationMs } from '../../config/duration.js'
import { PyFloat, repr } from '../../lib/python-repr.js'
import { fail2banLevel } from '../../lib/version.js'
import { type ClientLog, clientLog } from './client-log.js'
import { converse, isAnswering } from './conversation.js'
import { failed, message, openSession, untilSignal } from './message.js'
import { type CommandLine, readCommandLine } from './options.js'
import type { Session } from './session.js'
import type { Streams } from './streams.js'

/** `fail2ban-client` and `fail2ban-server` (spec 7.5); resolves to the exit code. */
export async function fail2banProgram(program: string, argv: readonly string[], streams: Streams): Promise<number> {
  const line = readCommandLine(argv)
  const print = (text: string) => streams.stdout.write(`${text}\n`)
  if (line.kind !== 'run') return answer(line, program, print, streams)
  const log = clientLog(streams, line.options.verbosity)
  const isDone = await carriedOut(program, line, log, streams)
  return isDone ? 0 : failed
}

async function answer(
  line: Exclude<CommandLine, { kind: 'run' }>,
  program: string,
  print: (text: string) => void,
  { stderr }: Streams,
): Promise<number> {
  const isClient = !program.endsWith('server')
  if (line.kind === 'seconds') return seconds(line.text, print)
  if (line.kind === 'answer' && line.what !== 'help') {
    print(line.what === 'version' ? `Fail2Ban v${fail2banLevel}` : fail2banLevel)
    return 0
  }
  const { usage } = await import('./usage.js')
  if (line.kind === 'fault') print(`ERROR: ${line.text}`)
  else print(usage(program))
  if (line.kind === 'answer') return 0
  if (isClient) stderr.write('Init of command line failed\n')
  return failed
}

/** Python's arithmetic knows whole numbers and others: a fraction, a quotient, a month or a year makes it the other kind. */
function seconds(text: string, print: (text: string) => void): number {
  const durationMs = parseDurationMs(text)
  if (durationMs === undefined) {
    print(`ERROR: "${text}" is not a time: try 10m, 1h 30m, 1w`)
    return failed
  }
  const isFloat = /\d\.|\.\d|\/|\d\s*(?:mo|mon|months?|y|yy|yea?|years?)\b/i.test(text)
  print(repr(isFloat ? new PyFloat(durationMs / 1000) : durationMs / 1000))
  return 0
}

async function carriedOut(
  program: string,
  { options, command }: Extract<CommandLine, { kind: 'run' }>,
  log: ClientLog,
  streams: Streams,
): Promise<boolean> {
  const isServer = program.endsWith('server')
  const print = (text: string) => streams.stdout.write(`${text}\n`)
  if (options.dump !== undefined || options.test) {
    const { testOrDump } = await import('./tests-and-dumps.js')
    const isGoingOn = options.dump === undefined && command.length > 0
    const isPassed = testOrDump(options, { log, print, isServer, isGoingOn })
    if (!isPassed || !isGoingOn) return isPassed
  }
  const session = openSession(program, options, log, streams)
  if (session === undefined) return false
  if (isServer && !options.isInteractive && isStart(command)) return served(session)
  if (options.isInteractive) return dialogue(session, command, streams)
  // A server in this process minds signals itself: it has bans to lift.
  if (options.isForeground && command.length > 0) return run(session, command)
  if (command.length > 0) return untilSignal(session, () => run(session, command))
  const { usage } = await import('./usage.js')
  print(usage(program))
  return false
}

function isStart(command: readonly string[]): boolean {
  return command.length === 0 || (command.length === 1 && command[0] === 'start')
}

async function served(session: Session): Promise<boolean> {
  const { start } = await import('./start.js')
  if (await start(session)) return true
  session.log.say('ERROR', 'Async configuration of server failed')
  return false
}

/** One command of the client. Those about the server as a whole are more than a message to it. */
async function run(session: Session, command: readonly string[]): Promise<boolean> {
  const [verb, ...words] = command
  if (verb === 'start' && words.length === 0) return (await import('./start.js')).start(session)
  if (verb === 'restart' && words.length === 0) return (await import('./start.js')).restart(session)
  if (verb === 'restart') return (await import('./reload.js')).reload(session, ['--restart', ...words])
  if (verb === 'reload') return (await import('./reload.js')).reload(session, words)
  return message(session, command)
}

/** A command given beside `-i` comes first, and must work. */
async function dialogue(session: Session, command: readonly string[], streams: Streams): Promise<boolean> {
  const act = async (): Promise<boolean> => {
    if (command.length > 0 && !(await run(session, command))) return false
    const isTalkative = session.options.verbosity > 0
    if (command.length === 0 && isTalkative && !(await isAnswering(session))) await converse(session, ['ping'])
    const [{ interact }, { greeting, usage }] = await Promise.all([import('./interactive.js'), import('./usage.js')])
    const help = usage(session.program)
    return interact({ ...streams, session, greeting, help, run: (words) => run(session, words) })
  }
  return untilSignal(session, act)
}
