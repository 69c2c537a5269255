import { repr } from '../../lib/python-repr.js'
import { type ClientLog, clientLog } from './client-log.js'
import { converse } from './conversation.js'
import { type ClientOptions, readCommandLine } from './options.js'
import { readPlaces } from './places.js'
import type { Session } from './session.js'
import type { Streams } from './streams.js'

export { endProcess } from './end-process.js'

/** Fail2ban's only failure (spec 1.13). */
export const failed = 255

/**
 * A command line of `fail2ban-client` that is a mere message to the server, which nearly all are: resolves to the exit code. Undefined
 * when it takes more than that; nothing was done then. It is a bundle of its own, so that such a command loads one file and no more.
 */
export async function sendMessage(
  program: string,
  argv: readonly string[],
  streams: Streams,
): Promise<number | undefined> {
  const line = readCommandLine(argv)
  if (line.kind !== 'run' || !isMessage(line.command)) return undefined
  const { options, command } = line
  if (options.isInteractive || options.test || options.dump !== undefined) return undefined
  const log = clientLog(streams, options.verbosity)
  const session = openSession(program, options, log, streams)
  if (session === undefined) return failed
  return (await untilSignal(session, () => message(session, command))) ? 0 : failed
}

/** What stays with the client: about the server as a whole, not to it. */
function isMessage([verb, ...words]: readonly string[]): boolean {
  if (verb === undefined || verb === 'reload' || verb === 'restart') return false
  return verb !== 'start' || words.length > 0
}

/** Undefined when the configuration does not say where the server is; that is printed. */
export function openSession(
  program: string,
  options: ClientOptions,
  log: ClientLog,
  streams: Streams,
): Session | undefined {
  const print = (text: string) => streams.stdout.write(`${text}\n`)
  const places = readPlaces(options, log)
  if (typeof places !== 'string') return { program, options, places, log, print }
  print(`ERROR: ${places}`)
  if (!program.endsWith('server')) log.say('ERROR', 'Init of command line failed')
  return undefined
}

/** Sends the command and prints the answer; whether it was carried out. */
export async function message(session: Session, command: readonly string[]): Promise<boolean> {
  const [verb, limit] = command
  if (verb !== 'ping' || limit === undefined) return converse(session, command)
  const timeoutS = Number(limit)
  if (!Number.isNaN(timeoutS)) return converse(session, ['ping'], timeoutS > 0 ? timeoutS * 1000 : undefined)
  session.log.say('ERROR', `could not convert string to float: ${repr(limit)}`)
  return false
}

/** What the task comes to, or false when a signal comes first; the caller then ends the process. */
export async function untilSignal({ log, print }: Session, task: () => Promise<boolean>): Promise<boolean> {
  const release: (() => void)[] = []
  const signalled = new Promise<boolean>((resolve) => {
    for (const [name, number] of [
      ['SIGINT', 2],
      ['SIGTERM', 15],
    ] as const) {
      const told = () => {
        print('')
        log.say('WARNING', `Caught signal ${number}. Exiting`)
        resolve(false)
      }
      process.once(name, told)
      release.push(() => process.off(name, told))
    }
  })
  try {
    return await Promise.race([task(), signalled])
  } finally {
    for (const off of release) off()
  }
}
