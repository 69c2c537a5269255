import assert from 'node:assert/strict'
import { mkdirSync, readFileSync } from 'node:fs'
import { before, describe, it } from 'node:test'
import { Network } from '../src/firewall/own-network.js'
import { brokerAccess } from '../src/fleet/enrolment/broker-access.js'
import { FleetDir } from '../src/fleet/enrolment/fleet-dir.js'
import { withoutServer } from '../src/fleet/nats/server-kit.js'
import { api, recordOf } from '../src/fleet/nats/streams.js'
import { inboxOf } from '../src/fleet/nats/subjects.js'
import { Wire } from '../src/fleet/nats/wire.js'
import { type RunningChild, startChild } from '../src/lib/child.js'
import { systemClock } from '../src/lib/clock.js'
import { atTheEnd, failures } from './kit/daemon-kit.js'
import { Bridge, joinAll, type Machine } from './kit/fleet-machines.js'
import { withoutNetwork } from './kit/two-hosts.js'
import { waitUntil } from './kit/wait-until.js'

const addresses = [11, 12, 13].map((number) => `10.9.0.${number}`)
const urls = addresses.map((address) => `tls://${address}:4722`).join(',')

/** One of the brokers, run by somebody else with the configuration that was written for it. */
class OutsideBroker {
  readonly #network: Network
  readonly #file: string
  #child: RunningChild | undefined

  private constructor(network: Network, file: string) {
    this.#network = network
    this.#file = file
  }

  static async make(bridge: Bridge, hub: Machine, number: number): Promise<OutsideBroker> {
    const network = Network.another()
    await bridge.plug(network, 10 + number)
    const own = hub.house.at(`broker-${number}`)
    mkdirSync(own)
    // As the operator is told: the paths are those of the machine where the server runs.
    const written = readFileSync(hub.house.at(`config/fleet/nats-server-${number}.conf`), 'utf8')
    hub.house.write(
      `broker-${number}/nats.conf`,
      written.replace(/store_dir: .*/, `store_dir: "${own}/js"`).replace(/pid_file: .*/, `pid_file: "${own}/pid"`),
    )
    return new OutsideBroker(network, hub.house.at(`broker-${number}`))
  }

  async start(): Promise<void> {
    this.#child = await this.#network.within(() =>
      Promise.resolve(startChild(['nats-server', '-c', `${this.#file}/nats.conf`], { onStdout: () => {} })),
    )
    atTheEnd(() => this.#child?.stop())
  }

  async kill(): Promise<void> {
    process.kill(Number(readFileSync(`${this.#file}/pid`, 'utf8')), 'SIGKILL')
    await this.#child?.ended
  }
}

/** Which of the brokers has to say what is kept, from 0. */
async function leaderOf(hub: Machine): Promise<{ leader: number; replicas: number }> {
  const { servers, tls, credentials } = brokerAccess(new FleetDir(hub.house.config))
  const wire = new Wire({ servers, tls, credentials, name: 'asks', inboxPrefix: inboxOf('hub'), clock: systemClock })
  await hub.network.within(() => wire.start({ onConnected: () => {}, onDisconnected: () => {} }))
  const { cluster, config } = await api(wire, 'STREAM.INFO.BANS', {}, 10_000)
  await wire.close()
  const leader = String(recordOf(cluster).leader)
  return { leader: Number(leader.slice(-1)) - 1, replicas: Number(recordOf(config).num_replicas) }
}

describe('a fleet with three brokers', { skip: withoutNetwork || withoutServer, timeout: 60_000 }, () => {
  const brokers: OutsideBroker[] = []
  let hub: Machine
  let web1: Machine
  let web2: Machine

  before(async () => {
    const bridge = await Bridge.make()
    hub = await bridge.machine()
    web1 = await bridge.machine()
    web2 = await bridge.machine()
    await hub.fleet('init', '--yes', '--nats', urls, '--name', 'hub', '--fleet', 'test')
    for (const number of [1, 2, 3]) brokers.push(await OutsideBroker.make(bridge, hub, number))
    for (const broker of brokers) await broker.start()
    await hub.serve()
    await joinAll(hub, { web1, web2 })
  })

  it('keeps everything three times', async () => {
    const isKept = () =>
      leaderOf(hub).then(
        () => true,
        () => false,
      )
    await waitUntil(isKept, 'the cluster keeps what is told')
    web1.house.append(failures('198.51.100.1', 3))
    await Promise.all([hub.untilClosed('198.51.100.1'), web2.untilClosed('198.51.100.1')])
    assert.equal((await leaderOf(hub)).replicas, 3)
  })

  it('bans nobody of the brokers, and none of its machines', async () => {
    const { stdout, stderr } = await web1.house.tocsin('ban', ...addresses)
    const said = stdout + stderr
    for (const address of addresses) assert.ok(said.includes(`${address} is the fleet's broker`), said)
    const peers = [hub.address, web2.address]
    // Who bans a peer by hand does so here alone: the others know whose address it is.
    await web1.ban(...peers, '198.51.100.2')
    await Promise.all([hub.untilClosed('198.51.100.2'), web2.untilClosed('198.51.100.2')])
    // A machine says where it is when the broker keeps things; a ban that was quicker ends then.
    for (const machine of [hub, web2]) for (const peer of peers) await machine.untilOpen(peer)
    for (const peer of peers) assert.equal((await web1.house.tocsin('unban', peer)).exitCode, 0)
  })

  it('goes on when the one is killed that leads, and loses nothing', async () => {
    const { leader } = await leaderOf(hub)
    await brokers[leader]?.kill()
    const ips = ['198.51.100.3', '198.51.100.4']
    web1.house.append(failures(ips[0] ?? '', 3))
    web2.house.append(failures(ips[1] ?? '', 3))
    for (const ip of ips) for (const machine of [hub, web1, web2]) await machine.untilClosed(ip)
    await web2.daemon?.end('SIGKILL')
    await hub.ban('198.51.100.5')
    await web1.untilClosed('198.51.100.5')
    await web2.serve()
    for (const ip of ['198.51.100.5', ips[0] ?? '']) await web2.untilClosed(ip)
    // Its own: that of its jail has been written down before anybody was told.
    await web2.untilClosed(ips[1] ?? '', 'sshd')
    await brokers[leader]?.start()
  })

  it('does not listen to a revoked machine that the brokers still let in', async () => {
    const [before, after] = ['198.51.100.6', '198.51.100.7']
    await web2.ban(before)
    await Promise.all([hub, web1].map((machine) => machine.untilClosed(before)))
    assert.match(await hub.fleet('revoke', 'web2'), /its words are; for the broker to refuse it, bring .* to it/)
    await Promise.all([hub, web1].map((machine) => machine.untilOpen(before)))
    await web2.ban(after)
    const isRefused = async (machine: Machine) =>
      (await machine.fleet('log', '--node', 'web2', '--refused')).includes('revoked-node')
    for (const machine of [hub, web1]) {
      await waitUntil(
        () => isRefused(machine),
        () => `what it says is refused:\n${machine.house.read()}`,
      )
      assert.equal(await machine.house.isBanned(after), false)
    }
  })
})
