import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunningChild, runChild, startChild } from '../../lib/child.js'

/** Why no broker can be started here; undefined: it can. */
export const noBroker: string | undefined = await runChild(['nats-server', '--version'], { timeoutMs: 5000 }).then(
  ({ exitCode }) => (exitCode === 0 ? undefined : 'needs nats-server (apt-get install nats-server)'),
)

/** A real nats-server on loopback with its own directory, to be killed and started again. For tests and measurements. */
export class Broker {
  readonly directory = mkdtempSync(join(tmpdir(), 'tocsin-broker-'))
  readonly port: number
  #child: RunningChild | undefined
  readonly #extra: string

  /** `extra`: further lines of its configuration. */
  constructor(port: number, extra = '') {
    this.port = port
    this.#extra = extra
  }

  static async start(extra = ''): Promise<Broker> {
    const broker = new Broker(await freePort(), extra)
    await broker.start()
    return broker
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`
  }

  async start(): Promise<void> {
    const file = join(this.directory, 'nats.conf')
    const pidFile = join(this.directory, 'pid')
    rmSync(pidFile, { force: true })
    writeFileSync(
      file,
      `listen: "127.0.0.1:${this.port}"\npid_file: "${pidFile}"\njetstream { store_dir: "${this.directory}/js" }\n${this.#extra}\n`,
    )
    this.#child = startChild(['nats-server', '-c', file], { onStdout: () => {} })
    await reachable(this.port)
  }

  /** SIGKILL to it alone, as a crash would be. */
  async kill(): Promise<void> {
    const pid = Number(readFileSync(join(this.directory, 'pid'), 'utf8'))
    assert(pid > 1)
    process.kill(pid, 'SIGKILL')
    await this.#child?.ended
    this.#child = undefined
  }

  async end(): Promise<void> {
    this.#child?.stop()
    await this.#child?.ended
    rmSync(this.directory, { recursive: true, force: true })
  }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  assert(typeof address === 'object' && address !== null)
  return address.port
}

/** Resolves when somebody accepts there. */
async function reachable(port: number): Promise<void> {
  for (let i = 0; i < 500; i++) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
      socket.once('connect', () => socket.end())
    })
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`Nobody listens on port ${port}`)
}

/** A subscriber by hand: counts the bytes that come, or stops reading. Resolves when the broker has taken its subscription. */
export async function rawSubscriber(port: number, subject: string): Promise<{ socket: Socket; bytes(): number }> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  let bytes = 0
  socket.write(`CONNECT {"verbose":false}\r\nSUB ${subject} 1\r\nPING\r\n`)
  await new Promise<void>((resolve) => {
    socket.on('data', (piece) => {
      bytes += piece.length
      if (piece.includes('PONG')) {
        bytes = 0
        resolve()
      }
    })
  })
  return { socket, bytes: () => bytes }
}

/** Stands between a node and its broker, and can let everything vanish, as a broken network does: nothing is closed. */
export class Road {
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  #isCut = false
  port = 0

  constructor(toPort: number) {
    this.#server = createServer((near) => {
      const far = connect(toPort, '127.0.0.1')
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from)
        from.on('error', () => {})
        from.on('close', () => to.destroy())
        from.on('data', (piece) => {
          if (!this.#isCut) to.write(piece)
        })
      }
    })
  }

  async open(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    const address = this.#server.address()
    assert(typeof address === 'object' && address !== null)
    this.port = address.port
    return this
  }

  cut(): void {
    this.#isCut = true
  }

  /** Connections from before do not come back: what they have lost is lost. */
  mend(): void {
    this.#isCut = false
    for (const socket of this.#sockets) socket.destroy()
    this.#sockets.clear()
  }

  close(): void {
    this.mend()
    this.#server.close()
  }
}
