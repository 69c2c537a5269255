import { chmodSync, chownSync, mkdirSync } from 'node:fs'
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import path from 'node:path'
import { isOwnPeer } from '../lib/peer-credentials.js'
import { isAnswered, removeStale } from '../lib/unix-socket.js'

import { serverFor } from './adaptor.js'

/** Somebody answers on the socket already. */
class AlreadyRunning extends Error {}

export interface ApiServer {
  close(): Promise<void>
}

/** `all`: root and ourselves. The group of the socket may read, ban and unban. */
export type Rights = 'all' | 'read and ban'

export interface ListenOptions {
  socket: string
  /** Group id whose members may read, ban and unban. */
  group?: number
}

/**
 * Serves the API on a unix socket that only its owner may use (mode 0600), and a group if one is named. A socket that nobody answers
 * on is left over from a crash and is replaced; one that is answered on throws `AlreadyRunning`.
 */
export async function listen(
  answer: (request: Request, rights: Rights) => Response | Promise<Response>,
  { socket, group }: ListenOptions,
): Promise<ApiServer> {
  mkdirSync(path.dirname(socket), { recursive: true, mode: 0o755 })
  if (await isAnswered(socket)) throw new AlreadyRunning(`Another daemon answers on ${socket}`)
  removeStale(socket)
  const server = serverFor((request, env) => answer(request, rightsOf(env, group)))
  server.on('clientError', answerGarbage)
  server.headersTimeout = 10_000
  server.requestTimeout = 60_000
  await listening(server, socket)
  if (group !== undefined) {
    // In this order: members come in when it is theirs, nobody else ever does.
    chownSync(socket, -1, group)
    chmodSync(socket, 0o660)
  }
  return { close: () => close(server) }
}

function rightsOf(env: unknown, group: number | undefined): Rights {
  const { incoming } = env as { incoming: { socket: Socket } }
  // Nobody but root and ourselves can connect to a socket of mode 0600.
  return isOwnPeer(incoming.socket, group === undefined) ? 'all' : 'read and ban'
}

function listening(server: Server, socket: string): Promise<void> {
  // The mask closes the moment between bind and chmod.
  const mask = process.umask(0o177)
  return new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(socket, () => {
      chmodSync(socket, 0o600)
      resolve()
    })
  }).finally(() => process.umask(mask))
}

/** Node removes the socket's file with the server. */
function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // Somebody who asks again and again on one connection would keep it from ever being idle.
    server.prependListener('request', (_request, response) => response.setHeader('connection', 'close'))
    server.close(() => resolve())
    server.closeIdleConnections()
  })
}

function answerGarbage(_error: Error, connection: { writable: boolean; end(text: string): void }): void {
  if (!connection.writable) return
  const body = JSON.stringify({
    error: 'This is not an HTTP request; this socket speaks HTTP with JSON, see GET /v1/status',
  })
  connection.end(
    `HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}
