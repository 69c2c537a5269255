// What the road between the nodes costs: a real nats-server on loopback, nodes in one process or in a few. Without jails and kernel.

import { Broker, noBroker, rawSubscriber } from '../src/fleet/nats/broker-kit.js'
import { banOf, FleetKit, NodeKit, spreadIp } from '../src/fleet/nats/node-kit.js'
import { NatsTransport } from '../src/fleet/nats/transport.js'
import { Wire } from '../src/fleet/nats/wire.js'
import { runChild } from '../src/lib/child.js'
import { systemClock } from '../src/lib/clock.js'
import { print, quantile, type Row } from './kit/report.js'

const rows: Row[] = []
const { stdout: version } = await runChild(['nats-server', '--version'], { timeoutMs: 5000 })
const subject = `tocsin, ${version.trim()}`

if (noBroker === undefined) {
  const only = process.argv[2]
  if (only === undefined || only === 'latency') for (const subscribers of [10, 100, 1000]) await latency(subscribers)
  if (only === undefined || only === 'rate') await rate(10)
  if (only === undefined || only === 'outage') for (const bans of [100_000, 1_000_000]) await outage(bans)
}
print({
  benchmark: 'fleet',
  method:
    'One nats-server and all nodes on this machine, no TLS; subscribers are connections of one process; the first 100 open every message, signature included, the others (of 1000) only receive it: a thousand signatures a ban would be this machine, not a node. Rates: all of ten nodes have all bans. Outage: from the beginning of the catch-up to the last word in memory',
  rows,
  remarks: noBroker === undefined ? [] : [`Skipped: ${noBroker}`],
})
process.exit(0)

async function latency(subscribers: number): Promise<void> {
  const broker = await Broker.start()
  const fleet = new FleetKit()
  const sender = await new NodeKit('sender', [broker.url], fleet).start()
  const p50s: number[] = []
  const p99s: number[] = []
  let pending = 0
  let done = () => {}
  let times: number[] = []
  let startedNs = 0n
  const onWord = () => {
    times.push(Number(process.hrtime.bigint() - startedNs) / 1e6)
    if (--pending === 0) done()
  }
  // Nodes that open everything, and beyond them bare connections: on this machine a thousand signatures a ban are the machine's, not a node's.
  const full = Math.min(subscribers, 100)
  const nodes = await Promise.all(
    Array.from({ length: full }, (_, i) => new NodeKit(`n${i}`, [broker.url], fleet).start()),
  )
  for (const node of nodes) node.onWord = onWord
  const wires: Wire[] = []
  for (let i = full; i < subscribers; i++) {
    const wire = new Wire({ servers: [broker.url], name: `w${i}`, clock: systemClock })
    wire.listen('bans.>', onWord)
    await wire.start({ onConnected: () => {}, onDisconnected: () => {} })
    wires.push(wire)
  }
  const wire = await rawSubscriber(broker.port, 'bans.>')
  const bans = 60
  for (let i = 0; i < bans; i++) {
    times = []
    pending = subscribers
    const all = new Promise<void>((resolve) => {
      done = resolve
    })
    startedNs = process.hrtime.bigint()
    sender.say(banOf(spreadIp(i)))
    await all
    times.sort((a, b) => a - b)
    p50s.push(quantile(times, 0.5))
    p99s.push(quantile(times, 0.99))
  }
  const reach = subscribers === 1000 ? { reach: 60 } : subscribers === 100 ? { reach: 10 } : {}
  const shared = { subject, unit: 'ms' }
  rows.push({ measure: `publish to opened, ${subscribers} subscribers, p50`, ...shared, values: p50s, ...reach })
  rows.push({ measure: `publish to opened, ${subscribers} subscribers, p99`, ...shared, values: p99s })
  if (subscribers === 10)
    rows.push({
      measure: 'bytes on the wire for a ban and node',
      subject,
      unit: 'bytes',
      values: [wire.bytes() / bans],
      reach: 400,
    })
  wire.socket.destroy()
  for (const node of [sender, ...nodes]) await node.close()
  for (const wire of wires) await wire.close()
  await broker.end()
}

async function rate(nodes: number): Promise<void> {
  const broker = await Broker.start()
  const fleet = new FleetKit()
  const all = await Promise.all(
    Array.from({ length: nodes }, (_, i) => new NodeKit(`n${i}`, [broker.url], fleet).start()),
  )
  const values: number[] = []
  for (let run = 0; run < 5; run++) {
    const bans = 10_000
    let pending = bans * nodes
    const startedNs = process.hrtime.bigint()
    await new Promise<void>((resolve) => {
      for (const node of all) {
        node.onWord = () => {
          if (--pending === 0) resolve()
        }
      }
      for (let i = 0; i < bans; i++) all[i % nodes]?.say(banOf(spreadIp(run * bans + i)))
    })
    values.push(bans / (Number(process.hrtime.bigint() - startedNs) / 1e9))
  }
  rows.push({ measure: `bans a second, all of ${nodes} nodes have all`, subject, unit: 'bans/s', values, reach: 3000 })
  for (const node of all) await node.close()
  await broker.end()
}

async function outage(bans: number): Promise<void> {
  const broker = await Broker.start()
  const fleet = new FleetKit()
  const speakers = 10
  const nowMs = systemClock.now()
  const share = bans / speakers
  const writing: number[] = []
  for (let n = 0; n < speakers; n++) {
    // One after the other: each would catch up with the one before, in this same process.
    const node = await new NodeKit(`s${n}`, [broker.url], fleet).start()
    for (let i = 0; i < share; i++) {
      const atMs = nowMs - ((i * 7919) % 3_600_000)
      node.said.push({ ...banOf(spreadIp(n * share + i), atMs), node: node.name, seq: ++node.lastSeq } as never)
    }
    const from = process.hrtime.bigint()
    await node.transport.snapshot()
    writing.push(Number(process.hrtime.bigint() - from) / 1e6)
    await node.close()
  }
  rows.push({ measure: `snapshot of ${share} own bans, written`, subject, unit: 'ms', values: writing })
  const values: number[] = []
  for (let run = 0; run < 3; run++) {
    const { privateKey: key } = fleet.enrol('late')
    const transport = new NatsTransport({
      node: 'late',
      fleet: fleet.name,
      key,
      memberOf: (name) => fleet.members.get(name),
      servers: [broker.url],
      clock: systemClock,
      log: { isOn: () => false, write: () => {} },
    })
    await new Promise<void>((resolve) => {
      void transport.start({ onParcel: () => {}, onConnected: resolve, onDisconnected: () => {} })
    })
    const heard = new Map<string, unknown>()
    const from = process.hrtime.bigint()
    await transport.catchUp(
      () => {},
      (_, words) => {
        for (const word of words) heard.set(word.ip, word)
      },
    )
    values.push(Number(process.hrtime.bigint() - from) / 1e9)
    if (heard.size !== bans) throw new Error(`Only ${heard.size} of ${bans} came`)
    await transport.close()
  }
  rows.push({
    measure: `back after an outage with ${bans} bans of 10 nodes`,
    subject,
    unit: 's',
    values,
    reach: bans > 100_000 ? 8 : 1,
  })
  await broker.end()
}
