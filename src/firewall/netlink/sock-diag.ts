import type { Ip } from '../../domain/address.js'
import { host16, host32, type Request } from './dialogue.js'
import type { Message } from './message.js'

/** Numbers and layouts of <linux/sock_diag.h> and <linux/inet_diag.h>; sock_diag(7). */
const SOCK_DIAG_BY_FAMILY = 20
const SOCK_DESTROY = 21
const INET_DIAG_REQ_BYTECODE = 1
const INET_DIAG_BC_JMP = 1
const INET_DIAG_BC_D_COND = 8
const families = { 4: 2, 6: 10 } as const
/** struct inet_diag_req_v2, with struct inet_diag_sockid from byte 8 on. */
const requestBytes = 56
const idAt = 8
const idBytes = 48
/** struct inet_diag_msg has its sockid behind family, state, timer and retransmissions. */
const foundIdAt = 4
/** By number of <net/tcp_states.h>: established, syn-sent, syn-recv, both fin-waits, close-wait, last-ack, closing. */
const connectedStates = [1, 2, 3, 4, 5, 8, 9, 11].reduce((mask, state) => mask | (1 << state), 0)

export interface ConnectedSocket {
  /** 4 or 16 bytes. */
  remote: Buffer
  localPort: number
  destruction: Request
}

/** Asks for the sockets that are connected; to these only, unless there are none. IPv4 peers of IPv6 sockets are among those of 6. */
export function askSockets({ family, protocol, peers }: Question): Request {
  const code = bytecode(peers)
  const body = Buffer.alloc(requestBytes + (code.length > 0 ? 4 + code.length : 0))
  body[0] = families[family]
  body[1] = protocol
  host32(body, 4, connectedStates)
  if (code.length > 0) {
    host16(body, requestBytes, 4 + code.length)
    host16(body, requestBytes + 2, INET_DIAG_REQ_BYTECODE)
    body.set(code, requestBytes + 4)
  }
  return { type: SOCK_DIAG_BY_FAMILY, body }
}

export interface Question {
  family: 4 | 6
  /** Number of the protocol. */
  protocol: number
  peers: readonly Ip[]
}

export function socketIn(message: Message, { protocol }: Question): ConnectedSocket | undefined {
  const { body } = message
  if (message.type !== SOCK_DIAG_BY_FAMILY || body.length < foundIdAt + idBytes) return undefined
  const isV6 = body[0] === families[6]
  const id = body.subarray(foundIdAt, foundIdAt + idBytes)
  const remote = id.subarray(20, isV6 ? 36 : 24)
  return {
    remote: isV6 && isMapped(remote) ? remote.subarray(12) : remote,
    localPort: id.readUInt16BE(0),
    get destruction() {
      const request = Buffer.alloc(requestBytes)
      request[0] = body[0] ?? 0
      request[1] = protocol
      host32(request, 4, 0xffff_ffff)
      id.copy(request, idAt)
      return { type: SOCK_DESTROY, body: request }
    },
  }
}

/**
 * A program for the kernel's filter (struct inet_diag_bc_op): "the peer is in the first network, or in the second, …". What is found
 * jumps to the very end, which is "yes"; running over the end is "no".
 */
function bytecode(peers: readonly Ip[]): Buffer {
  const sizes = peers.map(({ bytes }) => 12 + bytes.length + 4)
  // The last needs no jump behind it.
  const length = sizes.reduce((sum, size) => sum + size, 0) - (peers.length > 0 ? 4 : 0)
  const code = Buffer.alloc(Math.max(0, length))
  let at = 0
  for (const { family, bytes, prefix } of peers) {
    const condition = 12 + bytes.length
    code[at] = INET_DIAG_BC_D_COND
    code[at + 1] = condition
    host16(code, at + 2, condition + 4)
    // struct inet_diag_hostcond: family, prefix length, port (-1: any), address.
    code[at + 4] = families[family]
    code[at + 5] = prefix
    host32(code, at + 8, 0xffff_ffff)
    code.set(bytes, at + 12)
    at += condition
    if (at === length) break
    code[at] = INET_DIAG_BC_JMP
    code[at + 1] = 4
    host16(code, at + 2, length - at)
    at += 4
  }
  return code
}

function isMapped(address: Buffer): boolean {
  return address.readUInt16BE(10) === 0xffff && address.subarray(0, 10).every((byte) => byte === 0)
}
