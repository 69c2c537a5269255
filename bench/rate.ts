// Bans a second into the kernel: through the enforcer alone, and through the whole daemon.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { ask } from '../src/api/client.js'
import type { BanOutcome } from '../src/api/operations.js'
import { parseIp } from '../src/domain/address.js'
import type { TimedClosure } from '../src/domain/enforcer.js'
import { KernelEnforcer } from '../src/firewall/kernel.js'
import { setName, tableName } from '../src/firewall/layout.js'
import { systemClock } from '../src/lib/clock.js'
import { makeConfiguration, sshdJail } from './kit/configuration.js'
import { Fail2banDaemon, fail2ban, fail2banSet, fail2banTable } from './kit/fail2ban.js'
import { address, KernelSet, keyOf } from './kit/kernel-sets.js'
import { OwnDaemon } from './kit/own-daemon.js'
import { print, type Row } from './kit/report.js'
import { findProgram, isApart, makeWorkspace, until, versionOf } from './kit/workspace.js'

const jail = 'bench'
const callsOf10000 = 10
const whole = 'whole daemon, durable'
const oneByOne = 'kernel alone, one by one'
const batches = 'kernel alone, batches of 1,000'

const workspace = makeWorkspace('rate')
const rows: Row[] = []
const remarks: string[] = []

/** As operators and feeds do it: 10,000 addresses a call. A call answers when its bans are in the kernel and on the disk. */
async function throughDaemon(): Promise<Row> {
  const { home, logPath } = makeHome('own')
  const daemon = new OwnDaemon(makeConfiguration({ home, from: 'shipped', jailLocal: sshdJail(logPath) }))
  await daemon.ready()
  const values: number[] = []
  for (let call = 0; call < callsOf10000; call++) {
    const ips = Array.from({ length: 10_000 }, (_, n) => address(call * 10_000 + n))
    const begun = performance.now()
    const outcomes = await ask<BanOutcome[]>(daemon.socket, '/v1/bans', { ips, jail: 'sshd', durationMs: 3_600_000 })
    values.push((ips.length * 1000) / (performance.now() - begun))
    const bad = outcomes.find((one) => one.result !== 'banned' || !one.enforced || !one.saved)
    if (bad !== undefined || outcomes.length !== ips.length) throw new Error(`Not banned: ${JSON.stringify(bad)}`)
  }
  expectInKernel(tableName, setName('v4', 'sshd'), callsOf10000 * 10_000)
  await daemon.stop()
  const note = '10,000 addresses a call by the API, answered when in the kernel and in the database'
  return { measure: whole, subject: 'tocsin', unit: 'bans/s', values, reach: 50_000, note }
}

/** The set must really hold what we counted. */
function expectInKernel(table: string, set: string, count: number): void {
  const kernel = new KernelSet(table, set)
  const size = kernel.size()
  const isLastThere = kernel.has(keyOf(address(count - 1)))
  kernel.close()
  if (!isLastThere || (size !== undefined && size !== count))
    throw new Error(`The kernel has ${size} of ${count} bans in ${set}`)
}

async function throughEnforcer(): Promise<Row[]> {
  const enforcer = new KernelEnforcer({ clock: systemClock })
  await enforcer.arrange([{ jail, ports: 'all', protocols: [] }])
  const batched: number[] = []
  for (let batch = 0; batch < 50; batch++) batched.push(await closeTimed(enforcer, closures(batch * 1000, 1000), 1000))
  const single: number[] = []
  for (let part = 0; part < 10; part++) single.push(await closeTimed(enforcer, closures(50_000 + part * 500, 500), 1))
  expectInKernel(tableName, setName('v4', jail), 55_000)
  await enforcer.clear()
  enforcer.release()
  return [
    { measure: batches, subject: 'tocsin', unit: 'bans/s', values: batched },
    { measure: oneByOne, subject: 'tocsin', unit: 'bans/s', values: single, note: '500 a run' },
  ]
}

/** Bans a second. */
async function closeTimed(enforcer: KernelEnforcer, all: TimedClosure[], size: number): Promise<number> {
  const begun = performance.now()
  for (let at = 0; at < all.length; at += size) await enforcer.close(all.slice(at, at + size))
  return (all.length * 1000) / (performance.now() - begun)
}

function closures(first: number, count: number): TimedClosure[] {
  return Array.from({ length: count }, (_, n) => {
    const ip = parseIp(address(first + n))
    if (ip === undefined) throw new Error('not an address')
    return { jail, ip, remainingMs: 3_600_000 }
  })
}

/** The nft program, as scripts use it. */
function throughNft(nft: string): Row[] {
  const subject = versionOf(nft).split(' (')[0] ?? 'nft'
  const elements = (first: number, count: number) =>
    Array.from({ length: count }, (_, n) => `${address(first + n)} timeout 1h`).join(', ')
  run(nft, 'add table inet peer; add set inet peer s { type ipv4_addr; flags timeout; }')
  const batched: number[] = []
  for (let batch = 0; batch < 10; batch++) {
    const text = `add element inet peer s { ${elements(batch * 1000, 1000)} }`
    const begun = performance.now()
    run(nft, text)
    batched.push(1_000_000 / (performance.now() - begun))
  }
  const single: number[] = []
  for (let n = 0; n < 50; n++) {
    const begun = performance.now()
    run(nft, `add element inet peer s { ${elements(20_000 + n, 1)} }`)
    single.push(1000 / (performance.now() - begun))
  }
  run(nft, 'delete table inet peer')
  return [
    { measure: batches, subject: `${subject}, nft -f`, unit: 'bans/s', values: batched },
    { measure: oneByOne, subject: `${subject}, a process each`, unit: 'bans/s', values: single },
  ]
}

function run(nft: string, text: string): void {
  const { status, stderr } = spawnSync(nft, ['-f', '-'], { input: text, encoding: 'utf8' })
  if (status !== 0) throw new Error(`nft gave exit code ${status}: ${stderr}`)
}

/** 100 addresses in one command of its client, until the last is in the kernel. */
async function throughFail2ban(subject: string): Promise<Row> {
  const { home, logPath } = makeHome('fail2ban')
  const jailLocal = sshdJail(logPath, ['banaction = nftables-multiport'])
  const daemon = new Fail2banDaemon(makeConfiguration({ home, from: 'debian', jailLocal }))
  await daemon.ready()
  daemon.command('set', 'sshd', 'banip', '192.0.2.1')
  const kernel = new KernelSet(fail2banTable, fail2banSet('sshd'))
  await until(() => kernel.has(keyOf('192.0.2.1')), 'the first ban of Fail2ban')
  const keys = Array.from({ length: 100 }, (_, n) => address(n + 1))
  const begun = performance.now()
  daemon.command('set', 'sshd', 'banip', ...keys)
  await until(() => keys.every((ip) => kernel.has(keyOf(ip))), 'the bans of Fail2ban', { everyMs: 5 })
  const values = [100_000 / (performance.now() - begun)]
  kernel.close()
  await daemon.stop()
  return {
    measure: whole,
    subject,
    unit: 'bans/s',
    values,
    note: '100 addresses in one command of its client, nftables action',
  }
}

function makeHome(name: string): { home: string; logPath: string } {
  const home = path.join(workspace, name)
  mkdirSync(home)
  const logPath = path.join(home, 'auth.log')
  writeFileSync(logPath, '')
  return { home, logPath }
}

const nft = findProgram('nft')
if (isApart) {
  rows.push(await throughDaemon())
  if (fail2ban) rows.push(await throughFail2ban(fail2ban))
  else remarks.push('Fail2ban is not installed: not compared with it.')
  rows.push(...(await throughEnforcer()))
  if (nft) rows.push(...throughNft(nft))
  else remarks.push('nft is not installed: not compared with it.')
} else remarks.push('Not root: there is no kernel to ban in; nothing is measured.')

print({
  benchmark: 'rate',
  method: 'new IPv4 addresses, each with an end, into the packet filter of a network namespace; wall time',
  rows,
  remarks,
})
