// From write() of the line that decides on one node until all ten nodes, each in a network namespace of its own, have it in their kernels.
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { Network } from '../src/firewall/own-network.js'
import { failures, House, onlySshd } from '../test/kit/daemon-kit.js'
import { waitUntil } from '../test/kit/wait-until.js'
import { print, quantile, type Row } from './kit/report.js'

const nodeCount = 10
const banCount = 100
const warmUps = 3
const boundMs = 60_000
const fleetJail =
  '[fleet]\nenabled = true\nbackend = fleet\nmaxretry = 1\nbantime = 30m\nbanaction = %(banaction_allports)s\n'

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

/** When the log says that the kernel and the database have it, epoch milliseconds. */
function bannedMs(log: string, ip: string): number | undefined {
  const [, day = '', time = '', ms = ''] =
    new RegExp(`^(\\S+) (\\S+),(\\d+) .*\\] Ban ${ip.replaceAll('.', '\\.')}$`, 'm').exec(log) ?? []
  return day === '' ? undefined : Date.parse(`${day}T${time}.${ms}`)
}

async function bell(nodes: readonly Node[], ip: string): Promise<number[]> {
  const [first] = nodes
  if (first === undefined) return []
  first.house.append(failures(ip, 2))
  await pause(150)
  const wroteMs = Date.now()
  first.house.append(failures(ip, 1))
  const times = () => nodes.map(({ house }) => bannedMs(readFileSync(house.log, 'utf8'), ip))
  await waitUntil(() => times().every((time) => time !== undefined), `${ip} is banned everywhere`, boundMs)
  return times().map((time) => (time ?? 0) - wroteMs)
}

async function main(): Promise<void> {
  const bridge = Network.current()
  await bridge.ip('link add br0 type bridge', 'link set br0 up')
  const nodes: Node[] = []
  for (let number = 1; number <= nodeCount; number++) nodes.push(await makeNode(bridge, number))
  const [hub, ...others] = nodes
  if (hub === undefined) return
  await fleet(hub, 'init', '--yes', '--name', 'hub', '--address', '10.9.0.1')
  await hub.network.within(() => hub.house.serve())
  for (const [i, node] of others.entries()) {
    const token = (await fleet(hub, 'invite', `web${i + 1}`)).split('\n').at(-1) ?? ''
    await fleet(node, 'join', token)
    await node.network.within(() => node.house.serve())
  }
  for (const { house } of nodes)
    await waitUntil(() => house.read().includes('Connected to the fleet'), 'a node is connected', boundMs)
  await pause(1000)
  const all: number[] = []
  const last: number[] = []
  for (let n = 0; n < banCount + warmUps; n++) {
    // One that is not the hub begins.
    const latencies = await bell([...others, hub], `203.0.113.${n + 1}`)
    if (n < warmUps) continue
    all.push(...latencies)
    last.push(Math.max(...latencies))
  }
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
    note: `${banCount} bans, ${nodeCount} nodes`,
  })
  print({
    benchmark: 'bell',
    method:
      'The deciding line on one node, until a node of the fleet has logged the ban, which it does when kernel and database have it (whole milliseconds); ten daemons and the broker (Debian’s nats-server) on this machine, each in its own network namespace.',
    rows: [
      row('one line on one node, to each of 10 kernels, p50', all, 0.5, 10),
      row('one line on one node, to each of 10 kernels, p99', all, 0.99, 100),
      row('the last of the 10, p50', last, 0.5),
      row('the last of the 10, p99', last, 0.99),
    ],
    remarks: [
      'The seed’s way, ten tailers of a file over SSHFS that poll every second, was measured before on such a machine: p50 522 ms, p99 1,023 ms.',
    ],
  })
}

await main()
process.exit(0)
