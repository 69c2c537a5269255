import type { Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import type { Clock } from '../../lib/clock.js'
import { messageOf } from '../../lib/error-message.js'
import type { Log } from '../../lib/log.js'
import type { Certified } from '../nats/certificates.js'
import { authorityOf, userJwt } from '../nats/identity.js'
import { type JoinAnswer, type JoinRequest, lineBytesMax, readJoinRequest } from './exchange.js'
import { type FleetDir, type MemberRecord, publicTextOf } from './fleet-dir.js'
import { examine, redeem } from './invites.js'
import { admit, formerOf } from './membership.js'

export interface EnrolServerOptions {
  dir: FleetDir
  /** What it shows; signed by the fleet's authority. */
  certified: Certified
  listen: { host: string; port: number }
  log: Log
  clock: Clock
  /** Somebody was let in: the others are to be told. */
  onEnrolled?: (member: MemberRecord) => void
}

/** So many may be asking at once; the next are cut off and try again. */
const connectionsMax = 32
/** Whoever has not asked by then is cut off. */
const patienceMs = 10_000

/**
 * Lets machines in that bring an invitation: one line from them, one from us. It runs where the fleet was made, for only there is the
 * operator's key.
 */
export class EnrolServer {
  readonly #options: EnrolServerOptions
  /** Also those that have not begun to speak TLS. */
  readonly #connections = new Set<Socket>()
  #server: Server | undefined

  constructor(options: EnrolServerOptions) {
    this.#options = options
  }

  /** Rejects when it cannot listen there. */
  async start(): Promise<void> {
    const { certified, listen } = this.#options
    const tls = { cert: certified.certificate, key: certified.key }
    const server = createServer(tls, (socket) => this.#serve(socket))
    server.maxConnections = connectionsMax
    server.on('connection', (connection: Socket) => this.#watch(connection))
    // NOTE: a handshake that fails is told here and nothing else happens; there is nobody to answer.
    server.on('tlsClientError', (_error, socket) => socket.destroy())
    this.#server = server
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause) =>
        reject(new Error(`Cannot let machines join at ${listen.host}:${listen.port}: ${cause.message}`, { cause })),
      )
      server.listen(listen.port, listen.host, resolve)
    })
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) connection.destroy()
    await new Promise<void>((resolve) => {
      if (this.#server?.listening) this.#server.close(() => resolve())
      else resolve()
    })
  }

  /** Whoever he is, and whether he says anything: he is cut off in time, and when we end. */
  #watch(connection: Socket): void {
    this.#connections.add(connection)
    const cancel = this.#options.clock.after(patienceMs, () => connection.destroy())
    connection.once('close', () => {
      cancel()
      this.#connections.delete(connection)
    })
  }

  #serve(socket: TLSSocket): void {
    socket.on('error', () => socket.destroy())
    const from = socket.remoteAddress ?? 'somewhere'
    firstLine(socket, (line) => socket.end(`${JSON.stringify(this.#answer(line, from))}\n`))
  }

  #answer(line: string, from: string): JoinAnswer {
    const { log } = this.#options
    const request = readJoinRequest(line)
    if (request === undefined) return { ok: false, reason: 'This is no request to join' }
    try {
      const answer = this.#enrol(request)
      if (!answer.ok) log.write('WARNING', 'fleet', `${from} may not join as ${request.name}: ${answer.reason}`)
      return answer
    } catch (error) {
      log.write('ERROR', 'fleet', `Cannot let ${request.name} join from ${from}: ${messageOf(error)}`)
      return { ok: false, reason: 'The machine that was asked has failed; its log says why' }
    }
  }

  #enrol(request: JoinRequest): JoinAnswer {
    const { dir, clock, log, onEnrolled } = this.#options
    const [facts, operatorSeed] = [dir.facts(), dir.operatorSeed()]
    if (facts === undefined || operatorSeed === undefined)
      return { ok: false, reason: 'The machine that was asked has no operator key' }
    if (facts.fleet !== request.fleet)
      return { ok: false, reason: `The invitation is for the fleet ${request.fleet}, this is ${facts.fleet}` }
    const examined = examine(dir, request, clock.now())
    if ('objection' in examined) return { ok: false, reason: examined.objection }
    const known = dir.member(request.name)
    const isHere = known !== undefined && known.revokedAtMs === undefined
    if (isHere && known.key !== request.key)
      return { ok: false, reason: `There is a ${request.name} in the fleet already, with another key` }
    if (known !== undefined && formerOf(known).some(({ key }) => key === request.key))
      return {
        ok: false,
        reason: 'The key of this machine was revoked; remove its directory fleet, then a new one is made',
      }
    const { level } = redeem(dir, examined.invite, request.key)
    const member = isHere ? known : admit(dir, { ...request, role: 'node', level }, clock.now())
    const { name, brokerKey, sinceMs } = member
    const card = userJwt(authorityOf(operatorSeed), { name, brokerKey, role: 'node', nowMs: clock.now() })
    if (!isHere) {
      log.write('NOTICE', 'fleet', `${name} has joined the fleet ${facts.fleet}, at level ${level}`)
      onEnrolled?.(member)
    }
    return { ok: true, card, url: facts.url, operatorKey: publicTextOf(operatorSeed), sinceMs, nowMs: clock.now() }
  }
}

/** Calls back once, with the first line; beyond the bound the peer is cut off. */
export function firstLine(socket: TLSSocket, onLine: (line: string) => void): void {
  let text = ''
  const take = (piece: Buffer) => {
    text += piece.toString('latin1')
    const end = text.indexOf('\n')
    if (end < 0 && text.length <= lineBytesMax) return
    socket.off('data', take)
    if (end < 0 || end > lineBytesMax) socket.destroy()
    else onLine(text.slice(0, end))
  }
  socket.on('data', take)
}
