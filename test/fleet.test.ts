import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { before, describe, it } from 'node:test'
import { Network } from '../src/firewall/own-network.js'
import { withoutServer } from '../src/fleet/nats/server-kit.js'
import { type DaemonProcess, failures, House, onlySshd } from './kit/daemon-kit.js'
import { withoutNetwork } from './kit/two-hosts.js'
import { waitUntil } from './kit/wait-until.js'

const fleetJail =
  '[fleet]\nenabled = true\nbackend = fleet\nmaxretry = 1\nbantime = 30m\nbanaction = %(banaction_allports)s\n'

/** One machine of a fleet, in a network of its own on the bridge. */
class Machine {
  readonly house = new House({ jails: `${onlySshd('maxretry = 3')}\n${fleetJail}` })
  readonly network = Network.another()
  daemon: DaemonProcess | undefined

  static async on(bridge: Network, number: number): Promise<Machine> {
    const machine = new Machine()
    const port = `port${number}`
    await bridge.ip(
      `link add ${port} type veth peer name eth0 netns ${machine.network.path}`,
      `link set ${port} master br0`,
      `link set ${port} up`,
    )
    await machine.network.ip('link set lo up', 'link set eth0 up', `addr add 10.9.0.${number}/24 dev eth0`)
    return machine
  }

  async serve(): Promise<void> {
    this.daemon = await this.network.within(() => this.house.serve())
  }

  async fleet(...words: string[]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.network.within(() => this.house.tocsin('fleet', ...words))
    assert.equal(exitCode, 0, `${words.join(' ')}: ${stdout}${stderr}`)
    return stdout.trim()
  }

  async untilClosed(ip: string, jail = 'fleet'): Promise<void> {
    const isClosed = async () =>
      (await this.house.bans()).some((ban) => ban.ip === ip && ban.jail === jail && ban.enforced)
    await waitUntil(isClosed, () => `${ip} is in the kernel, in ${jail}; the log:\n${this.house.read()}`, 30_000)
  }

  async untilOpen(ip: string): Promise<void> {
    const isOpen = async () => !(await this.house.bans()).some((ban) => ban.ip === ip)
    await waitUntil(isOpen, () => `${ip} is let in; the log:\n${this.house.read()}`, 30_000)
  }

  async untilConnected(times: number): Promise<void> {
    const connections = () => this.house.read().split('Connected to the fleet').length - 1
    await waitUntil(
      () => connections() >= times,
      () => `it is connected ${times} times:\n${this.house.read()}`,
      30_000,
    )
  }
}

describe('three machines, one bell', { skip: withoutNetwork || withoutServer }, () => {
  let hub: Machine
  let web1: Machine
  let web2: Machine

  before(async () => {
    const bridge = Network.current()
    await bridge.ip('link add br0 type bridge', 'link set br0 up')
    hub = await Machine.on(bridge, 1)
    web1 = await Machine.on(bridge, 2)
    web2 = await Machine.on(bridge, 3)
    await hub.fleet('init', '--yes', '--name', 'hub', '--address', '10.9.0.1')
    await hub.serve()
    for (const [name, machine] of [
      ['web1', web1],
      ['web2', web2],
    ] as const) {
      const token = (await hub.fleet('invite', name)).split('\n').at(-1) ?? ''
      await machine.fleet('join', token)
      await machine.serve()
    }
    for (const machine of [hub, web1, web2]) await machine.untilConnected(1)
  })

  it('ban what one of them bans, and let in whom it lets in', async () => {
    const ip = '198.51.100.7'
    web1.house.append(failures(ip, 3))
    await web1.untilClosed(ip, 'sshd')
    await Promise.all([hub.untilClosed(ip), web2.untilClosed(ip)])
    assert.equal((await web1.house.tocsin('unban', ip)).exitCode, 0)
    await Promise.all([hub, web1, web2].map((machine) => machine.untilOpen(ip)))
  })

  it('lose nothing when the broker is killed', async () => {
    const ip = '198.51.100.8'
    const broker = Number(readFileSync(hub.house.at('config/fleet/nats-server.pid'), 'utf8'))
    process.kill(broker, 'SIGKILL')
    web2.house.append(failures(ip, 3))
    await web2.untilClosed(ip, 'sshd')
    await Promise.all([hub.untilClosed(ip), web1.untilClosed(ip)])
  })

  it('tell one that was away what it has missed', async () => {
    const ip = '198.51.100.9'
    await web1.daemon?.end('SIGKILL')
    assert.equal((await hub.house.tocsin('ban', ip, '--for', '1h')).exitCode, 0)
    await web2.untilClosed(ip)
    await web1.serve()
    await web1.untilClosed(ip)
  })

  it('take back what a revoked one has told', async () => {
    const ip = '198.51.100.10'
    assert.equal((await web2.house.tocsin('ban', ip, '--for', '1h')).exitCode, 0)
    await Promise.all([hub.untilClosed(ip), web1.untilClosed(ip)])
    await hub.fleet('revoke', 'web2')
    await Promise.all([hub.untilOpen(ip), web1.untilOpen(ip)])
    assert.ok(
      (await web1.house.bans()).some((ban) => ban.ip === '198.51.100.9'),
      'others still count',
    )
  })
})
