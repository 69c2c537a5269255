// From write() of the line that decides on one node until all ten nodes, each in a network namespace of its own, have it in their kernels;
// and the same where all ten tail a shared file.
import { setPriority } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { ask } from '../src/api/client.js'
import type { FleetDrillOutcome } from '../src/api/fleet-operations.js'
import { openNotifications } from '../src/firewall/netlink/notifications.js'
import { Network } from '../src/firewall/own-network.js'
import { type DaemonProcess, failures, House, onlySshd } from '../test/kit/daemon-kit.js'
import { fleetJail } from '../test/kit/fleet-machines.js'
import { waitUntil } from '../test/kit/wait-until.js'
import { keyOf } from './kit/kernel-sets.js'
import { cpuSeconds } from './kit/process-cost.js'
import { print, quantile, type Row } from './kit/report.js'
import { SeedWay } from './kit/seed-way.js'

const nodeCount = 10
const banCount = 100
const warmUps = 3
const boundMs = 60_000
const drillsEach = 3
const seedBanCount = 30
/** Uneven, lest every one comes at the same time between two looks. */
const seedPausesMs = [131, 547, 859, 373, 997]

interface Node {
  house: House
  network: Network
}

async function makeNode(bridge: Network, number: number): Promise<Node> {
  const house = new House({ jails: `${onlySshd('maxretry = 3')}\n${fleetJail}`, own: '[protect]\nbudget = off\n' })
  const network = Network.another()
  const port = `port${number}`
  await bridge.ip(
    `link add ${port} type veth peer name eth0 netns ${network.path}`,
    `link set ${port} master br0`,
    `link set ${port} up`,
  )
  await network.ip('link set lo up', 'link set eth0 up', `addr add 10.9.0.${number}/24 dev eth0`)
  return { house, network }
}

async function fleet({ house, network }: Node, ...words: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await network.within(() => house.tocsin('fleet', ...words))
  if (exitCode !== 0) throw new Error(`fleet ${words.join(' ')}: ${stdout}${stderr}`)
  return stdout.trim()
}

/** When each address that is looked for came into a node's kernel, by this process's clock: the kernel tells of every change (NFNLGRP_NFTABLES). */
class Arrivals {
  readonly #atMs = new Map<string, number>()
  #wanted = Buffer.alloc(0)

  static async in(network: Network): Promise<Arrivals> {
    const arrivals = new Arrivals()
    await network.within(async () => {
      openNotifications({
        ownPorts: [],
        onDatagram: (bytes) => arrivals.#take(bytes),
        onLoss: (error) => {
          throw error
        },
      })
    })
    return arrivals
  }

  lookFor(ip: string): void {
    this.#wanted = Buffer.from(keyOf(ip))
  }

  of(ip: string): number | undefined {
    return this.#atMs.get(keyOf(ip).join('.'))
  }

  #take(bytes: Buffer): void {
    const key = this.#wanted.join('.')
    if (!this.#atMs.has(key) && bytes.includes(this.#wanted)) this.#atMs.set(key, performance.now())
  }
}

async function bell(house: House, all: readonly Arrivals[], ip: string): Promise<number[]> {
  house.append(failures(ip, 2))
  await pause(150)
  const line = failures(ip, 1)
  return arrivalsOf(ip, all, () => house.append(line))
}

/** After how many ms each of them has it. */
async function arrivalsOf(ip: string, all: readonly Arrivals[], tell: () => void): Promise<number[]> {
  for (const arrivals of all) arrivals.lookFor(ip)
  const wroteMs = performance.now()
  tell()
  const times = () => all.map((arrivals) => arrivals.of(ip))
  await waitUntil(() => times().every((time) => time !== undefined), `${ip} is banned everywhere`, boundMs)
  return times().map((time) => (time ?? 0) - wroteMs)
}

/** The same machines without us, as they were protected before. */
async function seedWay(networks: readonly Network[], all: readonly Arrivals[], dir: string): Promise<number[]> {
  const seed = await SeedWay.in(networks, dir)
  try {
    const found: number[] = []
    // Each of them has looked for the first time.
    await pause(2000)
    for (let n = 0; n < seedBanCount; n++) {
      const ip = `198.51.100.${n + 1}`
      await pause(seedPausesMs[n % seedPausesMs.length] ?? 0)
      found.push(...(await arrivalsOf(ip, all, () => seed.tell(ip))))
    }
    return found
  } finally {
    seed.end()
  }
}

/** `tocsin drill` from every node, as often as the others take part in a minute: what the fleet says of itself. */
async function drills(nodes: readonly Node[]): Promise<number[]> {
  const closedMs: number[] = []
  for (const { house } of nodes) {
    for (let n = 0; n < drillsEach; n++) {
      await pause(150)
      const { machines } = await ask<FleetDrillOutcome>(house.socket, '/v1/fleet/drill', { forMs: 1000 })
      for (const { name, result, ms, reason } of machines) {
        if (result !== 'closed' || ms === null) throw new Error(`${name}: ${result} ${reason ?? ''}`)
        closedMs.push(ms)
      }
    }
  }
  return closedMs
}

async function main(): Promise<void> {
  const bridge = Network.current()
  await bridge.ip('link add br0 type bridge', 'link set br0 up')
  const nodes: Node[] = []
  for (let number = 1; number <= nodeCount; number++) nodes.push(await makeNode(bridge, number))
  const [hub, ...others] = nodes
  const [first] = others
  if (hub === undefined || first === undefined) return
  await fleet(hub, 'init', '--yes', '--name', 'hub', '--address', '10.9.0.1')
  const daemons = [await hub.network.within(() => hub.house.serve())]
  for (const [i, node] of others.entries()) {
    const token = (await fleet(hub, 'invite', `web${i + 1}`)).split('\n').at(-1) ?? ''
    await fleet(node, 'join', token)
    daemons.push(await node.network.within(() => node.house.serve()))
  }
  for (const { house } of nodes)
    await waitUntil(() => house.read().includes('Connected to the fleet'), 'a node is connected', boundMs)
  // One that is not the hub begins.
  const order = [...others, hub]
  const arrivals: Arrivals[] = []
  for (const { network } of order) arrivals.push(await Arrivals.in(network))
  // As an observer has to be on a machine with fewer cores than nodes.
  setPriority(-10)
  await pause(1000)
  const all: number[] = []
  const own: number[] = []
  const last: number[] = []
  let secondsBefore = 0
  for (let n = 0; n < banCount + warmUps; n++) {
    if (n === warmUps) secondsBefore = secondsOf(daemons)
    const latencies = await bell(first.house, arrivals, `203.0.113.${n + 1}`)
    if (n < warmUps) continue
    all.push(...latencies)
    own.push(latencies[0] ?? Number.NaN)
    last.push(Math.max(...latencies))
  }
  const perBanMs = ((secondsOf(daemons) - secondsBefore) * 1000) / banCount / nodeCount
  const drilled = await drills(nodes)
  for (const daemon of daemons) await daemon.end()
  const networks = order.map(({ network }) => network)
  const seed = await seedWay(networks, arrivals, first.house.dir)
  const note = `${banCount} bans, ${nodeCount} nodes`
  const drillNote = `${nodeCount * drillsEach} drills, ${nodeCount} nodes; the way back is in it`
  const seedNote = `${seedBanCount} lines, ${nodeCount} nodes; a directory of this machine: over a network it takes longer`
  const seedSubject = { subject: 'the seed’s way: ten tailers of one file', note: seedNote }
  const row = (measure: string, values: readonly number[], share: number, reach?: number): Row => ({
    measure,
    subject: 'tocsin',
    unit: 'ms',
    values: [
      quantile(
        [...values].sort((a, b) => a - b),
        share,
      ),
    ],
    ...(reach !== undefined && { reach }),
    note,
  })
  print({
    benchmark: 'bell',
    method: `From write() of the deciding line on one node until the kernel of a node of the fleet tells that it has the element; a ban every 170 ms or so; ten daemons, each in its own network namespace, and the broker (Debian’s nats-server) on this machine. Then the daemons end, and on each node tail, which looks every second, and nft do it: ${seedBanCount} lines with uneven pauses of 0.1 to 1 s, one directory of this machine`,
    rows: [
      row('one line on one node, to each of 10 kernels, p50', all, 0.5, 10),
      row('one line on one node, to each of 10 kernels, p99', all, 0.99, 100),
      { ...row('one line on one node, to each of 10 kernels, p50', seed, 0.5), ...seedSubject },
      { ...row('one line on one node, to each of 10 kernels, p99', seed, 0.99), ...seedSubject },
      row('the node of the line itself, p50', own, 0.5),
      row('the last of the 10, p50', last, 0.5),
      row('the last of the 10, p99', last, 0.99),
      { ...row('tocsin drill: asked and answered by each of 10, p50', drilled, 0.5), note: drillNote },
      { ...row('tocsin drill: asked and answered by each of 10, p99', drilled, 0.99), note: drillNote },
      { measure: 'processor for a ban and a node', subject: 'tocsin', unit: 'ms', values: [perBanMs], note },
    ],
    remarks: [],
  })
}

/** Of all daemons together. */
function secondsOf(daemons: readonly DaemonProcess[]): number {
  return daemons.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0)
}

await main()
process.exit(0)
