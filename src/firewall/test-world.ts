import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import net from 'node:net'
import { setImmediate } from 'node:timers/promises'
import type { Closure, Drops, Enforcer } from '../domain/enforcer.js'
import { cFunction } from '../lib/libc.js'
import { Network } from './own-network.js'

interface Attempt {
  socket: net.Socket
  outcome: string | undefined
}

/** For tests: an attacker with addresses of both families, this server, and a container behind it, each in a network of its own. */
export class World {
  static readonly attacker4 = '192.0.2.7'
  static readonly attacker6 = '2001:db8::7'
  static readonly other4 = '192.0.2.200'
  static readonly other6 = '2001:db8::200'
  static readonly server4 = '192.0.2.1'
  static readonly server6 = '2001:db8::1'
  static readonly container4 = '198.51.100.2'
  static readonly container6 = '2001:db8:1::2'
  /** The server's interface towards the attacker. */
  static readonly outside = 'outside'
  readonly attacker: Network
  readonly #open: { close(): unknown }[] = []

  private constructor(attacker: Network) {
    this.attacker = attacker
  }

  /** The main thread must be in a network of its own, which becomes the server's. `ports` answer there, and 22 in the container. */
  static async make(ports: readonly number[]): Promise<World> {
    const server = Network.current()
    const attacker = Network.another()
    const container = Network.another()
    await server.ip(
      `link add ${World.outside} type veth peer name out netns ${attacker.path}`,
      `link add inside type veth peer name in netns ${container.path}`,
      `addr add ${World.server4}/24 dev ${World.outside}`,
      `addr add ${World.server6}/64 dev ${World.outside} nodad`,
      'addr add 198.51.100.1/24 dev inside',
      'addr add 2001:db8:1::1/64 dev inside nodad',
      'link set lo up',
      `link set ${World.outside} up`,
      'link set inside up',
    )
    await attacker.ip(
      ...[World.attacker4, World.other4].map((address) => `addr add ${address}/24 dev out`),
      ...[World.attacker6, World.other6].map((address) => `addr add ${address}/64 dev out nodad`),
      'link set out up',
      `route add 198.51.100.0/24 via ${World.server4}`,
      `route add 2001:db8:1::/64 via ${World.server6}`,
    )
    await container.ip(
      `addr add ${World.container4}/24 dev in`,
      `addr add ${World.container6}/64 dev in nodad`,
      'link set in up',
      'route add default via 198.51.100.1',
      'route add default via 2001:db8:1::1',
    )
    writeFileSync('/proc/sys/net/ipv4/ip_forward', '1')
    writeFileSync('/proc/sys/net/ipv6/conf/all/forwarding', '1')
    const world = new World(attacker)
    for (const port of ports) await world.listen(server, port)
    await world.listen(container, 22)
    return world
  }

  close(): void {
    for (const one of this.#open) one.close()
  }

  async listen(network: Network, port: number): Promise<void> {
    const listener = net.createServer((socket) => {
      socket.on('error', () => {})
      socket.end()
    })
    await network.within(async () => {
      listener.listen(port, '::')
      await once(listener, 'listening')
    })
    this.#open.push(listener)
  }

  /**
   * How a connection from this address of the attacker ends: `connected`, the errno by which it was refused, or `dropped` once
   * `drops` counts more than before.
   */
  async connect(from: string, port: number, drops: () => Promise<Drops | undefined>, to?: string): Promise<string> {
    const before = (await drops())?.packets ?? 0
    const attempt = await this.#attempt(from, port, to)
    try {
      while (attempt.outcome === undefined) {
        const isCounted = ((await drops())?.packets ?? 0) > before
        // A refusal is on its way when its packet has been counted: it was answered before the counter could be read.
        await setImmediate()
        await setImmediate()
        if (isCounted) attempt.outcome ??= 'dropped'
      }
      return attempt.outcome
    } finally {
      attempt.socket.destroy()
    }
  }

  /** As `connect`, but waits for an answer, for ever. All attempts are made before the first is waited for. */
  async answers(attempts: readonly { from: string; port: number; to?: string }[]): Promise<string[]> {
    const made = []
    for (const { from, port, to } of attempts) made.push(await this.#attempt(from, port, to))
    return Promise.all(
      made.map(async (attempt) => {
        if (attempt.outcome === undefined)
          await new Promise((resolve) => attempt.socket.once('connect', resolve).once('close', resolve))
        attempt.socket.destroy()
        return attempt.outcome ?? 'closed'
      }),
    )
  }

  async #attempt(from: string, port: number, to = serverOf(from)): Promise<Attempt> {
    return this.attacker.within(async () => {
      const socket = net.connect({ host: to, port, localAddress: from })
      const attempt: Attempt = { socket, outcome: undefined }
      socket.on('connect', () => {
        attempt.outcome = 'connected'
      })
      socket.on('error', (error) => {
        attempt.outcome = 'code' in error ? String(error.code) : error.message
      })
      // Node makes the socket itself in the next tick.
      await setImmediate()
      return attempt
    })
  }

  /** Whether an echo request (ICMP) from this address is answered by the server, or else counted. IPv4 only. */
  async pings(from: string, drops: () => Promise<Drops | undefined>): Promise<boolean> {
    const before = (await drops())?.packets ?? 0
    const ping = await this.attacker.within(async () => new Ping(from, World.server4))
    try {
      for (;;) {
        if (ping.isAnswered()) return true
        if (((await drops())?.packets ?? 0) > before) return false
        await setImmediate()
      }
    } finally {
      ping.close()
    }
  }
}

/** What a closure has kept out, as `connect` wants it. */
export function dropsOf(enforcer: Pick<Enforcer, 'drops'>, closure: Closure) {
  return async (): Promise<Drops | undefined> => {
    const drops = await enforcer.drops(closure)
    assert.notEqual(drops, 'uncounted')
    return drops === 'uncounted' ? undefined : drops
  }
}

function serverOf(from: string): string {
  return net.isIP(from) === 4 ? World.server4 : World.server6
}

const AF_INET = 2
const SOCK_RAW = 3
const IPPROTO_ICMP = 1
const MSG_DONTWAIT = 0x40

/** One echo request and the answer to it (RFC 792), by a raw socket. */
class Ping {
  readonly #fd: number

  constructor(from: string, to: string) {
    const socket = cFunction<(...numbers: number[]) => number>('int socket(int domain, int type, int protocol)')
    const bind = cFunction<(fd: number, address: Uint8Array, bytes: number) => number>(
      'int bind(int fd, const void *address, uint32_t bytes)',
    )
    this.#fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)
    if (this.#fd < 0 || bind(this.#fd, addressOf(from), 16) !== 0) throw new Error('Cannot make a raw socket')
    const connect = cFunction<(fd: number, address: Uint8Array, bytes: number) => number>(
      'int connect(int fd, const void *address, uint32_t bytes)',
    )
    const send = cFunction<(fd: number, bytes: Uint8Array, length: number, flags: number) => number>(
      'intptr_t send(int fd, const void *bytes, size_t length, int flags)',
    )
    connect(this.#fd, addressOf(to), 16)
    // Type 8, code 0, the checksum of that, and zeros.
    send(this.#fd, Uint8Array.of(8, 0, 0xf7, 0xff, 0, 0, 0, 0), 8, 0)
  }

  isAnswered(): boolean {
    const recv = cFunction<(fd: number, bytes: Uint8Array, length: number, flags: number) => number>(
      'intptr_t recv(int fd, void *bytes, size_t length, int flags)',
    )
    const packet = new Uint8Array(100)
    // Behind 20 bytes of IP header: type 0 is the answer.
    return recv(this.#fd, packet, packet.length, MSG_DONTWAIT) >= 28 && packet[20] === 0
  }

  close(): void {
    cFunction<(fd: number) => number>('int close(int fd)')(this.#fd)
  }
}

/** struct sockaddr_in. */
function addressOf(ip: string): Uint8Array {
  const bytes = new Uint8Array(16)
  new Uint16Array(bytes.buffer, 0, 1)[0] = AF_INET
  bytes.set(ip.split('.').map(Number), 4)
  return bytes
}
