import { type Ip, ipOf } from '../domain/address.js'
import { readBegin, readBeginLater } from './bounded-file.js'
import { hostOrderBytes } from './proc-address.js'

/** So much of each list is read if nothing else is said: some 200,000 connections (0.5 s). What is behind is not seen. */
const listBytesDefault = 32 << 20

export interface TcpSocket {
  state: 'established' | 'listening'
  localPort: number
  peer: Ip
  /** 0 when no process has it. */
  inode: number
}

/** `slot: LOCAL:PORT REMOTE:PORT STATE …  uid timeout inode`; state 01 is ESTABLISHED, 0A LISTEN (<net/tcp_states.h>). */
const socketLine =
  /^ *\d+: [\dA-F]+:([\dA-F]{4}) ([\dA-F]{8}|[\dA-F]{32}):[\dA-F]{4} (01|0A) \S+ \S+ \S+ +\d+ +\d+ (\d+) /gm

/** TCP sockets of a network namespace that are connected or listen, IPv4 and IPv6: `tcp` and `tcp6` in this folder (proc(5)). In no order. */
export function* tcpSockets(folder = '/proc/net', listBytesMax = listBytesDefault): IterableIterator<TcpSocket> {
  for (const name of lists) yield* socketsIn(readBegin(`${folder}/${name}`, listBytesMax) ?? '')
}

/** The same, read in the background. */
export async function tcpSocketsLater(folder = '/proc/net', listBytesMax = listBytesDefault): Promise<TcpSocket[]> {
  const texts = await Promise.all(lists.map((name) => readBeginLater(`${folder}/${name}`, listBytesMax)))
  return texts.flatMap((text) => [...socketsIn(text ?? '')])
}

const lists = ['tcp', 'tcp6']

function* socketsIn(text: string): IterableIterator<TcpSocket> {
  for (const [, port = '', peer = '', state, inode = ''] of text.matchAll(socketLine))
    yield {
      state: state === '01' ? 'established' : 'listening',
      localPort: Number.parseInt(port, 16),
      peer: ipOf(hostOrderBytes(peer)),
      inode: Number(inode),
    }
}
