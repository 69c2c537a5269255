// From write() of the line that decides to the address in the kernel's set.
import { appendFileSync, closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { setName, tableName } from '../src/firewall/layout.js'
import { syslogDate } from './kit/attack-log.js'
import { hasDebianConfiguration, makeConfiguration, sshdJail } from './kit/configuration.js'
import { Fail2banDaemon, fail2ban, fail2banSet, fail2banTable } from './kit/fail2ban.js'
import { address, KernelSet, keyOf } from './kit/kernel-sets.js'
import { OwnDaemon } from './kit/own-daemon.js'
import { print, quantile, type Row } from './kit/report.js'
import { isApart, makeWorkspace } from './kit/workspace.js'

const banCount = 200
const fail2banBanCount = 20
const maxretry = 5
/** The first ban makes tables or loads programs; it is made and not counted, for everybody. */
const warmUps = 1
/** Between two bans: long enough for a daemon to fall asleep again, uneven, so that no poll is met every time. */
const pausesMs = [31, 47, 59, 73, 97]

const workspace = makeWorkspace('latency')
const measures = { p50: 'line to kernel, p50', p99: 'line to kernel, p99' }

async function own(): Promise<Row[]> {
  const { home, logPath } = makeHome('own')
  const from = hasDebianConfiguration ? 'debian' : 'shipped'
  const jailLocal = sshdJail(logPath, [`maxretry = ${maxretry}`])
  const daemon = new OwnDaemon(makeConfiguration({ home, from, jailLocal }))
  await daemon.ready()
  const isWarnedOf = async (last: string) => (await daemon.status()).jails[0]?.totalFailed === Number(last)
  const latencies = await bans(logPath, banCount, { table: tableName, set: setName('v4', 'sshd') }, (lines) =>
    waitFor(() => isWarnedOf(String(lines))),
  )
  await daemon.stop()
  return rowsOf('tocsin', latencies, 10)
}

async function peer(subject: string): Promise<Row[]> {
  const { home, logPath } = makeHome('fail2ban')
  const jailLocal = sshdJail(logPath, [`maxretry = ${maxretry}`, 'banaction = nftables-multiport'])
  const daemon = new Fail2banDaemon(makeConfiguration({ home, from: 'debian', jailLocal }))
  await daemon.ready()
  const places = { table: fail2banTable, set: fail2banSet('sshd') }
  const latencies = await bans(logPath, fail2banBanCount, places, (lines) =>
    waitFor(async () => daemon.log().split('] Found ').length - 1 === lines),
  )
  await daemon.stop()
  return rowsOf(subject, latencies)
}

/** Each address has failed all but once before; then one line for each decides. Milliseconds, in the order of the bans. */
async function bans(
  logPath: string,
  count: number,
  { table, set }: { table: string; set: string },
  haveFailed: (lines: number) => Promise<void>,
): Promise<number[]> {
  const addresses = Array.from({ length: count + warmUps }, (_, n) => address(n + 1))
  const before = addresses.flatMap((ip) => Array.from({ length: maxretry - 1 }, () => failure(ip)))
  appendFileSync(logPath, before.join(''))
  await haveFailed(before.length)
  const log = openSync(logPath, 'a')
  const kernel = new KernelSet(table, set)
  const latencies: number[] = []
  for (const [n, ip] of addresses.entries()) {
    await pause(pausesMs[n % pausesMs.length])
    const line = failure(ip)
    const key = keyOf(ip)
    const written = process.hrtime.bigint()
    writeSync(log, line)
    latencies.push(Number(kernel.appearance(key) - written) / 1e6)
  }
  kernel.close()
  closeSync(log)
  return latencies.slice(warmUps)
}

function failure(ip: string): string {
  return `${syslogDate()} gate sshd[4711]: Failed password for root from ${ip} port 40022 ssh2\n`
}

function makeHome(name: string): { home: string; logPath: string } {
  const home = path.join(workspace, name)
  mkdirSync(home)
  const logPath = path.join(home, 'auth.log')
  // A log is not empty in real life, and its first line tells one log from another.
  writeFileSync(logPath, `${syslogDate()} gate sshd[1]: Server listening on 0.0.0.0 port 22.\n`)
  return { home, logPath }
}

async function waitFor(isDone: () => Promise<boolean>): Promise<void> {
  while (!(await isDone())) await pause(50)
}

function rowsOf(subject: string, latencies: number[], reach?: number): Row[] {
  const sorted = [...latencies].sort((a, b) => a - b)
  const note = `${sorted.length} bans; least ${sorted[0]?.toFixed(2)}, most ${sorted.at(-1)?.toFixed(2)} ms`
  return [
    { measure: measures.p50, subject, unit: 'ms', values: [quantile(sorted, 0.5)], note },
    { measure: measures.p99, subject, unit: 'ms', values: [quantile(sorted, 0.99)], note, ...(reach && { reach }) },
  ]
}

/** What looking costs: the part of each latency that is ours. */
function lookMicroseconds(): number {
  const kernel = new KernelSet(tableName, setName('v4', 'sshd'))
  const begun = process.hrtime.bigint()
  for (let n = 0; n < 1000; n++) kernel.has(keyOf(address(n)))
  const nanoseconds = Number(process.hrtime.bigint() - begun) / 1000
  kernel.close()
  return nanoseconds / 1000
}

const rows: Row[] = []
const remarks: string[] = []
if (isApart) {
  const look = lookMicroseconds()
  rows.push(...(await own()))
  remarks.push(
    `One look into the set takes ${look.toFixed(0)} µs; the benchmark looks without a pause, on a core that the daemon could use.`,
  )
  if (fail2ban) rows.push(...(await peer(fail2ban)))
  else remarks.push('Fail2ban is not installed: not compared with it.')
} else remarks.push('Not root: there is no kernel set to look into; nothing is measured.')

print({
  benchmark: 'latency',
  method:
    `an address that has failed ${maxretry - 1} times fails once more: from write() of that line to the element in the kernel's set; ` +
    `the first ban is not counted; both daemons with the watching that they choose by themselves`,
  rows,
  remarks,
})
