import assert from 'node:assert/strict'
import { Network } from '../../src/firewall/own-network.js'
import { runChild } from '../../src/lib/child.js'
import { type DaemonProcess, House, onlySshd } from './daemon-kit.js'
import { waitUntil } from './wait-until.js'

export const fleetJail =
  '[fleet]\nenabled = true\nbackend = fleet\nmaxretry = 1\nbantime = 30m\nbanaction = %(banaction_allports)s\n'

/** A bridge in this process's network, and machines with a network of their own on it: 10.9.0.1, 10.9.0.2, … */
export class Bridge {
  readonly network = Network.current()
  #count = 0

  static async make(): Promise<Bridge> {
    const bridge = new Bridge()
    await bridge.network.ip(
      'link add br0 type bridge',
      'link set br0 up',
      `addr add ${Bridge.gateway}/24 dev br0`,
      'link set lo up',
    )
    return bridge
  }

  /** Everybody's way out. */
  static readonly gateway = '10.9.0.254'

  /** `own`: further lines of tocsin.local, of sections other than `[fleet]`. */
  async machine({ sshd = 'maxretry = 3', own }: { sshd?: string; own?: string } = {}): Promise<Machine> {
    const number = ++this.#count
    const machine = new Machine(this.network, number, {
      jails: `${onlySshd(sshd)}\n${fleetJail}`,
      ...(own !== undefined && { own }),
    })
    await this.plug(machine.network, number)
    return machine
  }

  /** Another network on the bridge, with this number's address. */
  async plug(network: Network, number: number): Promise<void> {
    const port = `port${number}`
    await this.network.ip(
      `link add ${port} type veth peer name eth0 netns ${network.path}`,
      `link set ${port} master br0`,
      `link set ${port} up`,
    )
    await network.ip(
      'link set lo up',
      'link set eth0 up',
      `addr add 10.9.0.${number}/24 dev eth0`,
      `route add default via ${Bridge.gateway}`,
    )
  }
}

/** hub, web1, web2: all of them run, are connected, and know each other. */
export async function threeMachines(bridge: Bridge): Promise<[Machine, Machine, Machine]> {
  const [hub, web1, web2] = [await bridge.machine(), await bridge.machine(), await bridge.machine()]
  await hub.found()
  await joinAll(hub, { web1, web2 })
  return [hub, web1, web2]
}

/** Lets these machines in, by their names; resolves when all of them, and the hub, are connected and know each other. */
export async function joinAll(hub: Machine, others: Readonly<Record<string, Machine>>): Promise<void> {
  for (const [name, machine] of Object.entries(others)) {
    await machine.join(hub, name)
    await machine.serve()
  }
  for (const machine of [hub, ...Object.values(others)]) {
    await machine.untilConnected()
    for (const name of Object.keys(others)) await machine.untilSaid(`${name} is in the fleet`)
  }
}

/** One machine of a fleet. */
export class Machine {
  readonly house: House
  readonly network = Network.another()
  readonly address: string
  daemon: DaemonProcess | undefined
  readonly #bridge: Network
  readonly #port: string

  constructor(bridge: Network, number: number, options: ConstructorParameters<typeof House>[0]) {
    this.#bridge = bridge
    this.#port = `port${number}`
    this.address = `10.9.0.${number}`
    this.house = new House(options)
  }

  /** `env`: further variables of the daemon's environment. */
  async serve(env: Readonly<Record<string, string>> = {}): Promise<void> {
    this.daemon = await this.network.within(() => {
      const before = Object.keys(env).map((name) => [name, process.env[name]] as const)
      Object.assign(process.env, env)
      try {
        return this.house.serve()
      } finally {
        // It has been started by now, with them; nobody else is.
        for (const [name, value] of before) {
          if (value === undefined) delete process.env[name]
          else process.env[name] = value
        }
      }
    })
  }

  async fleet(...words: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.network.within(() => this.house.tocsin('fleet', ...words))
    assert.equal(exitCode, 0, `${words.join(' ')}: ${stdout}${stderr}`)
    return stdout.trim()
  }

  /** Founds a fleet whose broker it runs. */
  async found(): Promise<void> {
    await this.fleet('init', '--yes', '--name', 'hub', '--address', this.address)
    await this.serve()
  }

  async join(hub: Machine, name: string): Promise<void> {
    const token = (await hub.fleet('invite', name)).split('\n').at(-1) ?? ''
    await this.fleet('join', token)
  }

  async ban(...addresses: string[]): Promise<void> {
    const { exitCode, stderr } = await this.house.tocsin('ban', ...addresses, '--for', '1h')
    assert.equal(exitCode, 0, stderr)
  }

  /** Nothing comes to it, nothing gets out, and nobody is told. */
  async cut(): Promise<void> {
    await this.#bridge.ip(`link set ${this.#port} down`)
  }

  async mend(): Promise<void> {
    await this.#bridge.ip(`link set ${this.#port} up`)
  }

  /** What nft lists of our table there. */
  async table(): Promise<string> {
    const words = ['nft', 'list', 'table', 'inet', 'tocsin']
    return (await this.network.within(() => runChild(words, { timeoutMs: 10_000 }))).stdout
  }

  async untilClosed(ip: string, jail = 'fleet'): Promise<void> {
    const isClosed = async () =>
      (await this.house.bans()).some((ban) => ban.ip === ip && ban.jail === jail && ban.enforced)
    await waitUntil(isClosed, () => `${ip} is in the kernel, in ${jail}; the log:\n${this.house.read()}`)
  }

  async untilOpen(ip: string): Promise<void> {
    const isOpen = async () => !(await this.house.bans()).some((ban) => ban.ip === ip)
    await waitUntil(isOpen, () => `${ip} is let in; the log:\n${this.house.read()}`)
  }

  /** `untilLogged` of the house, for what is said more than once. */
  async untilSaid(words: string | RegExp, times = 1): Promise<void> {
    const pattern = typeof words === 'string' ? words : new RegExp(words, 'g')
    const count = () => {
      const text = this.house.read()
      return typeof pattern === 'string' ? text.split(pattern).length - 1 : (text.match(pattern)?.length ?? 0)
    }
    await waitUntil(
      () => count() >= times,
      () => `the log says ${words} ${times} times; it has:\n${this.house.read()}`,
    )
  }

  untilConnected(times = 1): Promise<void> {
    return this.untilSaid('Connected to the fleet', times)
  }
}
