import net from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { enterOwnNetwork, Network } from '../../src/firewall/own-network.js'
import { runChild } from '../../src/lib/child.js'
import { atTheEnd } from './daemon-kit.js'

/** This test process is the server, with nobody else's packet filter rules; daemons it starts are in its network. */
export const withoutNetwork = (await enterOwnNetwork()) ?? false
// Entering tries whether there is nf_tables, and leaves the table of its trial.
if (!withoutNetwork) await runChild(['nft', 'delete', 'table', 'inet', 'tocsin'], { timeoutMs: 10_000 })

const connectTimeoutMs = 300

/** Who attacks, from addresses of both families, and how he reaches this server. */
export class TwoHosts {
  static readonly server4 = '192.0.2.1'
  static readonly server6 = '2001:db8::1'
  readonly #attacker: Network
  /** One at a time may be in the other network: whoever comes second would take it for home. */
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(attacker: Network) {
    this.#attacker = attacker
  }

  /** `ports` answer on the server. */
  static async make(addresses: readonly string[], ports: readonly number[]): Promise<TwoHosts> {
    const server = Network.current()
    const attacker = Network.another()
    const add = (address: string, device: string) =>
      `addr add ${address}${net.isIP(address) === 4 ? '/24' : '/64'} dev ${device}${net.isIP(address) === 4 ? '' : ' nodad'}`
    await server.ip(
      'link set lo up',
      `link add outside type veth peer name out netns ${attacker.path}`,
      add(TwoHosts.server4, 'outside'),
      add(TwoHosts.server6, 'outside'),
      'link set outside up',
    )
    await attacker.ip(...addresses.map((address) => add(address, 'out')), 'link set out up')
    for (const port of ports) await answerOn(port)
    return new TwoHosts(attacker)
  }

  /** Whether a TCP connection from this address of the attacker is made before the time is over. */
  async connects(from: string, port: number): Promise<boolean> {
    const coming = this.#turn.then(() => this.#attacker.within(() => socketTo(from, port)))
    this.#turn = coming
    const socket = await coming
    return new Promise((resolve) => {
      const settle = (outcome: boolean) => {
        clearTimeout(timer)
        socket.destroy()
        resolve(outcome)
      }
      const timer = setTimeout(() => settle(false), connectTimeoutMs)
      socket.once('connect', () => settle(true))
      socket.once('error', () => settle(false))
    })
  }

  /** A connection from this address of the attacker that stays open until somebody ends it. */
  async open(from: string, port: number): Promise<net.Socket> {
    const coming = this.#turn.then(() => this.#attacker.within(() => socketTo(from, port)))
    this.#turn = coming
    const socket = await coming
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    return socket.on('error', () => {})
  }

  /** Tries all the time, a new connection each turn of the event loop, until `stop`. */
  keepTrying(from: string, port: number): { readonly tried: number; readonly made: number; stop(): Promise<void> } {
    const tally = { tried: 0, made: 0 }
    const open = new Set<Promise<void>>()
    let isOver = false
    const trying = (async () => {
      while (!isOver) {
        tally.tried++
        const one = this.connects(from, port).then((made) => {
          tally.made += made ? 1 : 0
          open.delete(one)
        })
        open.add(one)
        // Full: wait until the oldest have given up.
        if (open.size > 200) await Promise.race(open)
        await setImmediate()
      }
      await Promise.all(open)
    })()
    const stop = () => {
      isOver = true
      return trying
    }
    return Object.assign(tally, { stop })
  }
}

async function socketTo(from: string, port: number): Promise<net.Socket> {
  const host = net.isIP(from) === 4 ? TwoHosts.server4 : TwoHosts.server6
  const socket = net.connect({ host, port, localAddress: from })
  // Node makes the socket itself in the next tick.
  await new Promise<void>((resolve) => process.nextTick(resolve))
  return socket
}

/** What nft lists of our table in this network, or undefined when there is none. */
export async function table(): Promise<string | undefined> {
  const { exitCode, stdout } = await runChild(['nft', 'list', 'table', 'inet', 'tocsin'], { timeoutMs: 10_000 })
  return exitCode === 0 ? stdout : undefined
}

/** How often an address stands in a set of ours. */
export async function elementsOf(ip: string): Promise<number> {
  return ((await table()) ?? '').split('\n').filter((line) => line.includes(`${ip} `)).length
}

function answerOn(port: number): Promise<void> {
  const server = net.createServer((socket) => socket.on('error', () => {}).end())
  atTheEnd(() => server.close())
  return new Promise((resolve, reject) => server.once('error', reject).listen(port, '::', resolve))
}
