// Whole daemons, each in a network namespace of its own, with their kernels: a machine that comes back, bans a second, bytes on the wire.
import { setTimeout as pause } from 'node:timers/promises'
import { failures } from '../test/kit/daemon-kit.js'
import { Bridge, type Machine } from '../test/kit/fleet-machines.js'
import { waitUntil } from '../test/kit/wait-until.js'
import { attacker, bytesTo, KernelCount, LoneBroker, tellAndLeave } from './kit/daemon-fleet.js'
import { cpuSeconds } from './kit/process-cost.js'
import { print, type Row } from './kit/report.js'

const boundMs = 90_000
const speakers = 10
/** Members are believed as far as their level says; a bench says more in a minute than a year has. */
const anyNumber = 'limits = own rate=1000000 bans=1000000\n'
const noBudget = '[protect]\nbudget = off\nbudget_peers = off\n'

// Whoever stops us stops what we have started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const rows: Row[] = []
const only = process.argv[2]
const bridge = await Bridge.make()
if (only === undefined || only === 'outage-100000') await outage(100_000, 3)
if (only === undefined || only === 'outage-1000000') await outage(1_000_000, 1)
if (only === undefined || only === 'rate') await rate(10)
print({
  benchmark: 'fleet-daemons',
  method: `Daemons as an operator starts them, each in a network namespace of its own, Debian’s nats-server in another, TLS and cards as usual. Outage: ${speakers} members have told their bans and are away; a machine that knows none of them, from the start of its command, and from its connection to the broker, until its kernel counts all of them. Rate: every machine bans its share of 10,000 by lines in its log, until every kernel has all, five times in a row. Bytes: what the cable of one machine has counted, Ethernet, IP, TCP and TLS included, divided by the bans of the others`,
  rows,
  remarks: [],
})
process.exit(0)

async function outage(bans: number, runs: number): Promise<void> {
  const [hub, web] = [await bridge.machine(), await bridge.machine()]
  await hub.fleet('init', '--yes', '--nats', LoneBroker.url, '--name', 'hub')
  const broker = new LoneBroker(hub)
  await hub.serve()
  await hub.untilConnected()
  const share = bans / speakers
  for (let n = 0; n < speakers; n++) await tellAndLeave(hub, { name: `s${n}`, from: n * share, count: share })
  await web.join(hub, 'web')
  web.house.append(anyNumber, 'config/tocsin.local')
  await waitUntil(() => hub.house.read().includes('web is in the fleet'), 'web is known')
  // The hub is away, too: it would fetch the same at the same time.
  await hub.daemon?.end('SIGKILL')
  const whole: number[] = []
  const sinceConnected: number[] = []
  const cpu: number[] = []
  for (let run = 0; run < runs; run++) {
    const fromMs = Date.now()
    await web.serve()
    const count = await KernelCount.of(web)
    await count.until(bans, boundMs).catch((error) => {
      throw new Error(web.house.read().slice(-2000), { cause: error })
    })
    const doneMs = Date.now()
    count.close()
    whole.push((doneMs - fromMs) / 1000)
    sinceConnected.push((doneMs - connectedMs(web)) / 1000)
    cpu.push(cpuSeconds(web.daemon?.pid ?? 0))
    await web.daemon?.end('SIGKILL')
    await forget(web)
  }
  const note = `${speakers} members`
  const reach = bans > 100_000 ? 8 : 1
  const shared = { subject: 'tocsin', unit: 's', note }
  rows.push({
    measure: `back with ${bans} bans of the fleet, all in its kernel, from its connection`,
    ...shared,
    values: sinceConnected,
    reach,
  })
  rows.push({
    measure: `back with ${bans} bans of the fleet, all in its kernel, from its start`,
    ...shared,
    values: whole,
  })
  rows.push({
    measure: `back with ${bans} bans of the fleet, processor time of the daemon until then`,
    ...shared,
    values: cpu,
  })
  await broker.end()
}

function connectedMs(machine: Machine): number {
  const [, day = '', time = '', ms = ''] =
    [...machine.house.read().matchAll(/^(\S+) (\S+),(\d+) .*Connected to the fleet/gm)].at(-1) ?? []
  return Date.parse(`${day}T${time}.${ms}`)
}

/** The next run begins as the first one did. */
async function forget(machine: Machine): Promise<void> {
  const { rmSync, mkdirSync, writeFileSync } = await import('node:fs')
  rmSync(machine.house.at('state'), { recursive: true })
  mkdirSync(machine.house.at('state'))
  writeFileSync(machine.house.log, '')
  const { runChild } = await import('../src/lib/child.js')
  await machine.network.within(() => runChild(['nft', 'delete', 'table', 'inet', 'tocsin'], { timeoutMs: 60_000 }))
}

async function rate(count: number): Promise<void> {
  const machines: Machine[] = []
  for (let n = 0; n < count; n++) machines.push(await bridge.machine({ sshd: 'maxretry = 1', own: noBudget }))
  const [hub, ...others] = machines
  if (hub === undefined) return
  await hub.fleet('init', '--yes', '--name', 'hub', '--address', hub.address)
  hub.house.append(anyNumber, 'config/tocsin.local')
  await hub.serve()
  for (const [i, machine] of others.entries()) {
    await machine.join(hub, `web${i}`)
    machine.house.append(anyNumber, 'config/tocsin.local')
    await machine.serve()
  }
  for (const machine of machines) {
    await machine.untilConnected()
    for (const i of others.keys()) await machine.untilSaid(`web${i} is in the fleet`)
  }
  await pause(1000)
  const kernels = await Promise.all(machines.map((machine) => KernelCount.of(machine)))
  const last = machines.at(-1) ?? hub
  const perSecond: number[] = []
  const batched: number[] = []
  let known = 0
  for (let run = 0; run < 5; run++) {
    const bans = 10_000
    const before = await bytesTo(last)
    const texts = machines.map((_, m) =>
      Array.from({ length: bans / count }, (_, i) => failures(attacker(known + m * (bans / count) + i))).join(''),
    )
    const fromMs = performance.now()
    for (const [m, machine] of machines.entries()) machine.house.append(texts[m] ?? '')
    known += bans
    for (const kernel of kernels) await kernel.until(known, boundMs)
    perSecond.push(bans / ((performance.now() - fromMs) / 1000))
    batched.push(((await bytesTo(last)) - before) / (bans * (1 - 1 / count)))
  }
  const shared = { subject: 'tocsin', note: `${count} machines` }
  rows.push({
    measure: `bans a second, all in all ${count} kernels`,
    ...shared,
    unit: 'bans/s',
    values: perSecond,
    reach: 3000,
  })
  rows.push({
    measure: 'bytes to a machine for a ban, in a burst',
    ...shared,
    unit: 'bytes',
    values: batched,
    reach: 400,
  })
  const single = 100
  // Each with whatever comes within 100 ms; the median leaves out those in which others have told of something else as well.
  const alone: number[] = []
  for (let n = 0; n < single; n++) {
    const before = await bytesTo(last)
    others[0]?.house.append(failures(attacker(known++)))
    await kernels.at(-1)?.until(known, boundMs)
    await pause(100)
    alone.push((await bytesTo(last)) - before)
  }
  rows.push({
    measure: 'bytes to a machine for a ban, one after another',
    ...shared,
    unit: 'bytes',
    values: alone,
    reach: 400,
  })
  for (const kernel of kernels) kernel.close()
  // The broker is the first one's child, and ends with it.
  for (const machine of machines) await machine.daemon?.end()
}
