import { type ControlConnection, connectControl, type Reply } from '../../compat/control-client.js'
import { messageOf } from '../../lib/error-message.js'
import type { PyValue } from '../../lib/python-repr.js'
import { str } from './python-text.js'
import { refusalArgs, refusalText, replyText } from './reply-text.js'
import type { Session } from './session.js'

/** Sends a command and prints the answer; whether it was carried out. */
export async function converse(session: Session, command: readonly PyValue[], timeoutMs?: number): Promise<boolean> {
  const reply = await ask(session, command, timeoutMs)
  if (reply === undefined) return false
  if (reply.kind === 'result') {
    session.print(printable(replyText(command.map(str), reply.value, isFineTerminal(process.env))))
    return true
  }
  if (reply.kind === 'other') {
    session.log.say('ERROR', printable(str(reply.value)))
    return false
  }
  session.log.say('ERROR', `NOK: ${printable(refusalArgs(reply.args))}`)
  session.print(printable(refusalText(reply.className, reply.args)))
  return false
}

/** Whether a server answers. */
export async function isAnswering(session: Session): Promise<boolean> {
  try {
    const reply = await exchange(session.places.socket, ['ping'], pingTimeoutMs)
    return reply.kind === 'result'
  } catch {
    return false
  }
}

/** Longer than any pause of a server that is well. */
const pingTimeoutMs = 5000

/** Undefined when there is no answer; that is said. */
async function ask(session: Session, command: readonly PyValue[], timeoutMs?: number): Promise<Reply | undefined> {
  const { socket } = session.places
  try {
    return await exchange(socket, command, timeoutMs)
  } catch (error) {
    session.log.say('ERROR', sentenceOf(error, socket))
    return undefined
  }
}

async function exchange(socket: string, command: readonly PyValue[], timeoutMs?: number): Promise<Reply> {
  const connection: ControlConnection = await connectControl(socket)
  try {
    return await connection.send(command, timeoutMs === undefined ? {} : { timeoutMs })
  } finally {
    connection.close()
  }
}

function sentenceOf(error: unknown, socket: string): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR')
    return `Failed to access socket path: ${socket}. Is fail2ban running?`
  if (code === 'EACCES' || code === 'EPERM') return `Permission denied to socket: ${socket}, (you must be root)`
  if (code === 'ETIMEDOUT') return `No answer on ${socket} in time`
  return `No answer on ${socket}: ${messageOf(error)}`
}

/** Whether the terminal shows line drawing characters. Like Python 3, a locale that says nothing about it means UTF-8. */
function isFineTerminal({ LC_ALL, LC_CTYPE, LANG }: Readonly<Record<string, string | undefined>>): boolean {
  const locale = [LC_ALL, LC_CTYPE, LANG].find((value) => value !== undefined && value !== '') ?? 'C'
  return /^(?:C|POSIX)$|utf-?8/i.test(locale)
}

/** Ids, lines and file names are others' text: what would move a terminal's cursor is shown as an escape. */
function printable(text: string): string {
  return text.replace(
    /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g,
    (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}
