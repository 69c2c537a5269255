import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import path from 'node:path'
import { createAdaptorServer } from '@hono/node-server'

/** Somebody answers on the socket already. */
class AlreadyRunning extends Error {}

export interface ApiServer {
  close(): Promise<void>
}

/**
 * Serves the API on a unix socket that only its owner may use (mode 0600). A socket that nobody answers on is left over from a crash
 * and is replaced; one that is answered on throws `AlreadyRunning`.
 */
export async function listen(
  answer: (request: Request) => Response | Promise<Response>,
  socket: string,
): Promise<ApiServer> {
  mkdirSync(path.dirname(socket), { recursive: true, mode: 0o755 })
  if (await isAnswered(socket)) throw new AlreadyRunning(`Another daemon answers on ${socket}`)
  removeStale(socket)
  const server = createAdaptorServer({ fetch: answer }) as Server
  server.on('clientError', answerGarbage)
  server.headersTimeout = 10_000
  server.requestTimeout = 60_000
  await listening(server, socket)
  return { close: () => close(server) }
}

/** Whether somebody accepts connections on this socket. */
export function isAnswered(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socket)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
}

function removeStale(socket: string): void {
  const found = lstatSync(socket, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket())
    throw new Error(`Cannot listen on ${socket}: there is something that is not a socket; move it away`)
  unlinkSync(socket)
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
