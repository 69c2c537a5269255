import { connect, type Socket } from 'node:net'
import { PyTuple, type PyValue } from '../lib/python-repr.js'
import { closeRequest, endMarker, MarkedStream } from './end-marker.js'
import { type PickledObjects, readPickle } from './pickle-reader.js'
import { replyLimits } from './pickle-size.js'
import { writePickle } from './pickle-writer.js'

/** What a server of Fail2ban's protocol said. */
export type Reply =
  | { kind: 'result'; value: PyValue }
  /** `className` without its module: `UnknownJailException`. */
  | { kind: 'exception'; className: string; args: readonly PyValue[] }
  /** Not the usual pair: a text `ERROR: …`, or `['SHUTDOWN']` from a server that is ending. */
  | { kind: 'other'; value: PyValue }

export interface ControlConnection {
  /**
   * One command at a time: the next only after the reply. Rejects with the system's error (`code`: `ECONNRESET` when the server went
   * away before it had answered, `ETIMEDOUT` when it said nothing for `timeoutMs`), or with `PickleError`.
   */
  send(command: readonly PyValue[], options?: { timeoutMs?: number }): Promise<Reply>
  close(): void
}

/** A million bans are 20 MB. Beyond it the connection is ended with an error. */
const replyBytesMax = 1 << 28

/** Connects to the socket of our daemon or of Fail2ban itself. Rejects with the system's error (`code`: `ENOENT`, `EACCES`, `ECONNREFUSED`). */
export function connectControl(path: string): Promise<ControlConnection> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(new Connection(socket))
    })
  })
}

class Connection implements ControlConnection {
  readonly #socket: Socket
  readonly #stream = new MarkedStream(replyBytesMax)
  #waiting: { resolve(message: Buffer): void; reject(error: Error): void } | undefined

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (piece: Buffer) => this.#receive(piece))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(systemError('ECONNRESET', 'Connection reset by peer')))
    socket.on('timeout', () => this.#abandon(systemError('ETIMEDOUT', 'timed out')))
  }

  async send(command: readonly PyValue[], { timeoutMs = 0 }: { timeoutMs?: number } = {}): Promise<Reply> {
    const message = new Promise<Buffer>((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
    this.#socket.setTimeout(timeoutMs)
    if (this.#socket.destroyed) this.#fail(systemError('ECONNRESET', 'Connection reset by peer'))
    else this.#socket.write(Buffer.concat([writePickle(command), endMarker]))
    return readReply(await message)
  }

  close(): void {
    if (!this.#socket.destroyed) this.#socket.end(Buffer.concat([closeRequest, endMarker]))
    this.#socket.setTimeout(0)
    this.#socket.unref()
  }

  #receive(piece: Buffer): void {
    this.#stream.push(piece)
    const message = this.#stream.take()
    if (message === undefined) return
    if (message === 'too long') this.#abandon(new Error(`The answer is longer than ${replyBytesMax} bytes`))
    else {
      this.#waiting?.resolve(message)
      this.#waiting = undefined
    }
  }

  #abandon(error: Error): void {
    this.#fail(error)
    this.#socket.destroy()
  }

  #fail(error: Error): void {
    this.#waiting?.reject(error)
    this.#waiting = undefined
  }
}

function systemError(code: string, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code })
}

/** An answer without its marker. Throws `PickleError`. */
export function readReply(message: Buffer): Reply {
  const exceptions = new Map<PyValue, Extract<Reply, { kind: 'exception' }>>()
  const value = readPickle(message, replyLimits, asData(exceptions))
  if (!(value instanceof PyTuple) || value.items.length !== 2) return { kind: 'other', value }
  const [code, result = null] = value.items
  if (code === 0) return { kind: 'result', value: result }
  return exceptions.get(result) ?? { kind: 'exception', className: 'Exception', args: [result] }
}

/** Fail2ban sends addresses as `str('192.0.2.1')`, and errors as their class and arguments. */
function asData(exceptions: Map<PyValue, Extract<Reply, { kind: 'exception' }>>): PickledObjects {
  return {
    called(className, args) {
      if (/^(?:builtins|__builtin__)\.(?:str|set|frozenset|list)$/.test(className)) return args[0] ?? ''
      const name = className.slice(className.lastIndexOf('.') + 1)
      const standIn = { [name]: args }
      exceptions.set(standIn, { kind: 'exception', className: name, args })
      return standIn
    },
  }
}
