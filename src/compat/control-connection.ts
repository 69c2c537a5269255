import type { Socket } from 'node:net'
import { closeRequest, endMarker, MarkedStream } from './end-marker.js'
import type { Rights } from './transmitter.js'

export interface ControlConnectionOptions {
  rights: Rights
  requestBytesMax: number
  /** A client that neither sends nor reads is let go after so long; while its command is carried out it may wait for ever. */
  idleMs: number
  /** Never rejects. */
  answer(request: Buffer, rights: Rights): Promise<Buffer>
  onRefused(reason: string): void
}

let moves = 0

/**
 * One client at Fail2ban's socket. Its requests are answered one after another; while one is carried out, and until its answer is
 * taken, nothing more is read, so a client that sends without end or never reads costs one request and one answer.
 */
export class ControlConnection {
  readonly rights: Rights
  readonly #socket: Socket
  readonly #options: ControlConnectionOptions
  readonly #requests: MarkedStream
  #isBusy = false
  #isEnding = false
  #lastMoved = ++moves

  constructor(socket: Socket, options: ControlConnectionOptions) {
    this.rights = options.rights
    this.#socket = socket
    this.#options = options
    this.#requests = new MarkedStream(options.requestBytesMax)
    socket.setTimeout(options.idleMs, () => socket.destroy())
    socket.on('error', () => {}) // A client that went away: 'close' follows, and nobody waits for it.
    socket.on('data', (piece: Buffer) => {
      this.#requests.push(piece)
      void this.#serve()
    })
    socket.on('end', () => this.end())
  }

  /** Whether a command is carried out, or its answer not yet taken. */
  get isBusy(): boolean {
    return this.#isBusy
  }

  /** Counts on with every request, of all connections. */
  get lastMoved(): number {
    return this.#lastMoved
  }

  /** Closes when no answer is due any more. */
  end(): void {
    this.#isEnding = true
    if (!this.#isBusy) this.#socket.end(() => this.#socket.destroy())
  }

  destroy(): void {
    this.#socket.destroy()
  }

  async #serve(): Promise<void> {
    if (this.#isBusy) return
    this.#isBusy = true
    this.#socket.pause()
    for (let request = this.#take(); request !== undefined; request = this.#take()) {
      this.#lastMoved = ++moves
      this.#socket.setTimeout(0)
      const answer = await this.#options.answer(request, this.rights)
      this.#socket.setTimeout(this.#options.idleMs)
      await this.#send(Buffer.concat([answer, endMarker]))
    }
    this.#isBusy = false
    if (this.#isEnding) this.end()
    else this.#socket.resume()
  }

  #take(): Buffer | undefined {
    if (this.#socket.destroyed) return undefined
    const request = this.#requests.take()
    if (request === 'too long') {
      this.#options.onRefused(`a request of more than ${this.#options.requestBytesMax} bytes`)
      this.#socket.destroy()
      return undefined
    }
    if (request?.equals(closeRequest)) {
      this.#isEnding = true
      return undefined
    }
    return request
  }

  /** In one write: there are clients that rely on it. Resolves when the kernel has all of it, or the client is gone. */
  #send(answer: Buffer): Promise<void> {
    return new Promise((resolve) => {
      // NOTE: the socket's own timeout begins anew with every byte that comes in, so a client could put it off for ever.
      const late = setTimeout(() => this.#socket.destroy(), this.#options.idleMs)
      const done = () => {
        clearTimeout(late)
        this.#socket.off('close', done)
        resolve()
      }
      this.#socket.once('close', done)
      this.#socket.write(answer, done)
    })
  }
}
