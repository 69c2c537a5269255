import { chmodSync, chownSync, mkdirSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import path from 'node:path'
import type { Log } from '../lib/log.js'
import { isOwnPeer } from '../lib/peer-credentials.js'
import { isAnswered, removeStale } from '../lib/unix-socket.js'
import { ControlConnection } from './control-connection.js'
import type { Rights } from './transmitter.js'

export interface ControlSocketOptions {
  path: string
  /** Never rejects. What it gives is sent as it is, with the end marker behind it. */
  answer(request: Buffer, rights: Rights): Promise<Buffer>
  log: Log
  /** Takes the place of a server that still answers, as `fail2ban-server -x`. A socket that nobody answers on is always replaced. */
  force?: boolean
  /** Group id whose members may read, ban and unban. Everybody but root and ourselves has no more than that. */
  group?: number
  /** A listening socket of the service manager's (`inheritedSocket`); its file is not ours then. */
  inheritedFd?: number
  /** A connection on which nothing moves is closed after so long. */
  idleMs?: number
}

export interface ControlSocket {
  /** Answers that are due are still sent (for two seconds at most); then everything is closed and the file is gone. */
  close(): Promise<void>
}

const idleMsDefault = 600_000
const closeGraceMs = 2000

/** Listens for Fail2ban's clients (spec 7.1). Rejects when another server answers there, or the place cannot be written. */
export async function listenControl(options: ControlSocketOptions): Promise<ControlSocket> {
  const connections = new Set<ControlConnection>()
  // NOTE: a client may close its half after the request and still read the answer.
  const server = createServer({ allowHalfOpen: true }, (socket) => accept(socket, connections, options))
  if (options.inheritedFd === undefined) await bind(server, options)
  else await listening(server, () => server.listen({ fd: options.inheritedFd }), options.path)
  return { close: () => close(server, connections) }
}

/** Members of the group can neither fill the memory nor take the places of those who may do everything. */
const bounds: Readonly<Record<Rights, { connections: number; requestBytes: number }>> = {
  // The stream of a hundred jails is one megabyte.
  all: { connections: 64, requestBytes: 16 << 20 },
  // Some thousand addresses to ban.
  'read and ban': { connections: 32, requestBytes: 1 << 16 },
}

function accept(socket: Socket, connections: Set<ControlConnection>, options: ControlSocketOptions): void {
  const rights = rightsOf(socket, options)
  const { connections: connectionsMax, requestBytes } = bounds[rights]
  if (
    !makeRoom(
      [...connections].filter((other) => other.rights === rights),
      connectionsMax,
    )
  ) {
    socket.destroy()
    return
  }
  const connection = new ControlConnection(socket, {
    rights,
    requestBytesMax: requestBytes,
    idleMs: options.idleMs ?? idleMsDefault,
    answer: options.answer,
    onRefused: (reason) => options.log.write('ERROR', 'asyncserver', `PROTO-error: ${reason}`),
  })
  connections.add(connection)
  socket.once('close', () => connections.delete(connection))
}

/** Whoever comes when all places are taken gets that of the one that is idle longest; false when all are busy. */
function makeRoom(others: readonly ControlConnection[], connectionsMax: number): boolean {
  if (others.length < connectionsMax) return true
  const idle = others.filter(({ isBusy }) => !isBusy).sort((a, b) => a.lastMoved - b.lastMoved)[0]
  idle?.destroy()
  return idle !== undefined
}

function rightsOf(socket: Socket, { group, inheritedFd }: ControlSocketOptions): Rights {
  // Nobody but root and ourselves can connect to a socket of mode 0700.
  return isOwnPeer(socket, group === undefined && inheritedFd === undefined) ? 'all' : 'read and ban'
}

async function bind(server: Server, { path: place, force = false, group, log }: ControlSocketOptions): Promise<void> {
  makeParent(path.dirname(place))
  if (await isAnswered(place)) {
    log.write('ERROR', 'asyncserver', 'Fail2ban seems to be already running')
    if (!force) throw new Error(`Server already running: somebody answers on ${place}`)
    log.write('WARNING', 'asyncserver', 'Forcing execution of the server')
  }
  removeStale(place)
  await listening(server, () => listenMasked(server, place), place)
  if (group === undefined) return
  // In this order: members come in when it is theirs, nobody else ever does.
  chownSync(place, -1, group)
  chmodSync(place, 0o770)
}

/** Binding is done when `listen` returns, so that the mask holds for nothing else, and there is no moment of wider rights. */
function listenMasked(server: Server, place: string): void {
  const mask = process.umask(0o077)
  try {
    server.listen(place)
  } finally {
    process.umask(mask)
  }
}

/** Its last level only, as Fail2ban does: what is above is somebody's decision. */
function makeParent(dir: string): void {
  try {
    mkdirSync(dir, { mode: 0o755 })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

function listening(server: Server, listen: () => void, place: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => reject(new Error(`Cannot listen on ${place}: ${error.message}`, { cause: error }))
    server.once('error', failed)
    server.once('listening', () => {
      server.off('error', failed)
      resolve()
    })
    listen()
  })
}

/** Node removes the socket's file with the server. */
function close(server: Server, connections: Set<ControlConnection>): Promise<void> {
  return new Promise((resolve) => {
    const late = setTimeout(() => {
      for (const connection of connections) connection.destroy()
    }, closeGraceMs)
    server.close(() => {
      clearTimeout(late)
      resolve()
    })
    for (const connection of connections) connection.end()
  })
}
