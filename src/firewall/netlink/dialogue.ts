import { endianness } from 'node:os'
import { errnoName } from '../../lib/libc.js'
import {
  type Message,
  messagesIn,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  readHostSigned32,
} from './message.js'
import { NetlinkSocket } from './socket.js'

const headerBytes = 16
/** Requests in one send: their answers fit the socket's receive buffer many times over. */
const requestsMax = 256
const sequenceMax = 0x7000_0000

/** One message's type and what follows its header (struct nlmsghdr), padded to 4 bytes. */
export interface Request {
  type: number
  body: Uint8Array
}

/** The kernel refused what it was asked. */
export class Refusal extends Error {
  readonly code: string

  constructor(what: string, code: string) {
    super(`the kernel refused ${what}: ${code}`)
    this.name = 'Refusal'
    this.code = code
  }
}

/** Questions and single requests to a subsystem, for what is no transaction of nf_tables. */
export class NetlinkDialogue {
  readonly #socket: NetlinkSocket
  #sequence = 1

  /** Throws SystemError. */
  constructor(subsystem: ConstructorParameters<typeof NetlinkSocket>[0]) {
    this.#socket = new NetlinkSocket(subsystem)
  }

  /** Hands each message of a long answer to `visit`, a datagram (32 KiB at most) a step. Throws Refusal. NOTE: nothing else may be sent meanwhile. */
  *dump(request: Request, visit: (message: Message) => void): Generator<undefined, void> {
    const sequence = this.#next()
    this.#socket.dropInbox()
    this.#socket.send(messageOf(request, NLM_F_REQUEST | NLM_F_DUMP, sequence))
    for (;;) {
      const datagram = this.#socket.receive()
      if (datagram === undefined) throw new Error('the kernel gave no end of its answer')
      for (const message of messagesIn(datagram)) {
        if (message.sequence !== sequence) continue
        if (message.type === NLMSG_DONE) return
        if (message.type === NLMSG_ERROR) throw new Refusal(`message ${request.type}`, errnoOf(message) ?? 'no reason')
        visit(message)
      }
      yield
    }
  }

  /** Makes each request; returns how many were done, and the errnos of the others. */
  request(requests: readonly Request[]): { done: number; refused: string[] } {
    const result = { done: 0, refused: [] as string[] }
    for (let at = 0; at < requests.length; at += requestsMax) {
      const part = requests.slice(at, at + requestsMax)
      const first = this.#sequence + 1
      this.#socket.dropInbox()
      this.#socket.send(
        Buffer.concat(part.map((request) => messageOf(request, NLM_F_REQUEST | NLM_F_ACK, this.#next()))),
      )
      for (let datagram = this.#socket.receive(); datagram !== undefined; datagram = this.#socket.receive())
        for (const message of messagesIn(datagram)) {
          if (message.type !== NLMSG_ERROR || message.sequence < first) continue
          const code = errnoOf(message)
          if (code === undefined) result.done++
          else result.refused.push(code)
        }
    }
    return result
  }

  close(): void {
    this.#socket.close()
  }

  #next(): number {
    this.#sequence = this.#sequence > sequenceMax ? 1 : this.#sequence + 1
    return this.#sequence
  }
}

function messageOf({ type, body }: Request, flags: number, sequence: number): Buffer {
  const length = headerBytes + body.length
  const message = Buffer.alloc((length + 3) & ~3)
  message.set(body, headerBytes)
  host32(message, 0, length)
  host16(message, 4, type)
  host16(message, 6, flags)
  host32(message, 8, sequence)
  return message
}

const isLittle = endianness() === 'LE'

export function host32(bytes: Buffer, at: number, value: number): void {
  if (isLittle) bytes.writeUInt32LE(value >>> 0, at)
  else bytes.writeUInt32BE(value >>> 0, at)
}

export function host16(bytes: Buffer, at: number, value: number): void {
  if (isLittle) bytes.writeUInt16LE(value, at)
  else bytes.writeUInt16BE(value, at)
}

/** Undefined: it was done. */
function errnoOf({ body }: Message): string | undefined {
  const errno = body.length < 4 ? 0 : readHostSigned32(body, 0)
  return errno === 0 ? undefined : errnoName(-errno)
}
