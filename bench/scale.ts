// A daemon with very many bans: start, memory, one more ban, a hundred thousand ends in one second, restart, stop.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ask } from '../src/api/client.js'
import { systemClock } from '../src/lib/clock.js'
import { Connection } from '../src/store/sqlite.js'
import { openStore } from '../src/store/store.js'
import { makeConfiguration, type Places, sshdJail } from './kit/configuration.js'
import { address, KernelSet, keyOf } from './kit/kernel-sets.js'
import { OwnDaemon } from './kit/own-daemon.js'
import { cpuSeconds, memoryOf } from './kit/process-cost.js'
import { print, quantile, type Row } from './kit/report.js'
import { findProgram, isApart, makeWorkspace } from './kit/workspace.js'

const million = 1_000_000
const stormSize = 100_000
const settleMs = 10_000
const probes = 300
const daySeconds = 86_400
const table = 'tocsin'
const set = 'v4-sshd'

const workspace = makeWorkspace('scale')
const rows: Row[] = []
const remarks: string[] = []

if (!isApart) print({ benchmark: 'scale', method: '', rows, remarks: ['Not root: not measured.'] })
else await measure()

async function measure(): Promise<void> {
  await small()
  const idleMiB = await idle()
  const places = makePlaces('million')
  makeDatabase(places, million)
  await big(places, idleMiB)
  if (findProgram('nft') !== undefined) nftScript()
  await storm()
  remarks.push(
    `Load average of the machine at the end: ${loadavg()[0]?.toFixed(1)}; wall times are so much longer than on one that has nothing else to do.`,
  )
  print({
    benchmark: 'scale',
    method:
      'the whole daemon, a SQLite file on a disk, sets in a network namespace; a start lasts from the command to "Ready"; wall time, ' +
      'and the CPU time of the daemon (user and system); a ban by the API lasts until it is in the kernel and on the disk (for the kernel alone see firewall)',
    rows,
    remarks,
  })
}

async function small(): Promise<void> {
  const places = makePlaces('small')
  makeDatabase(places, stormSize)
  const { daemon, seconds } = await started(places)
  row('start with 100,000 bans', 's', [seconds], { reach: 1 })
  row('start with 100,000 bans: CPU', 's', [cpuSeconds(daemon.pid)])
  row('stop with 100,000 bans', 's', [await secondsOf(() => daemon.stop())], { reach: 1 })
}

async function idle(): Promise<number> {
  const { daemon, seconds } = await started(makePlaces('idle'))
  row('start with none', 's', [seconds])
  row('start with none: CPU', 's', [cpuSeconds(daemon.pid)])
  await bansByHand(daemon, 'ban by the API, none before', 0)
  const { rssMiB } = memoryOf(daemon.pid)
  await daemon.stop()
  return rssMiB
}

async function big(places: Places, idleMiB: number): Promise<void> {
  const first = await started(places)
  const kernel = new KernelSet(table, set)
  row('start with 1,000,000 bans', 's', [first.seconds])
  row('of that, from the database to the kernel', 's', [restoringSeconds(places)], { reach: 3 })
  row('start with 1,000,000 bans: CPU', 's', [cpuSeconds(first.daemon.pid)])
  row('most memory until then', 'MiB', [mostMiB(first.daemon.pid)], { reach: 450 / 1.048576 })
  if (kernel.size() !== million) remarks.push(`The kernel has ${kernel.size()} of ${million} bans.`)
  await pause(settleMs)
  const afterMiB = memoryOf(first.daemon.pid).rssMiB
  row('memory 10 s later', 'MiB', [afterMiB])
  row('memory of a ban', 'bytes', [((afterMiB - idleMiB) * 1_048_576) / million], { reach: 200 })
  row('tocsin status', 'ms', [(await secondsOf(() => first.daemon.status())) * 1000])
  await bansByHand(first.daemon, 'ban by the API, 1,000,000 before', million)
  process.kill(first.daemon.pid, 'SIGKILL')
  const again = await started(places)
  row('start after a kill, 1,000,000 bans in the kernel', 's', [again.seconds])
  row('start after a kill: CPU', 's', [cpuSeconds(again.daemon.pid)])
  row('stop with 1,000,000 bans', 's', [await secondsOf(() => again.daemon.stop())], { reach: 1 })
  kernel.close()
}

/** One after the other, each until it is answered: then it is in the kernel, and on the disk. */
async function bansByHand(daemon: OwnDaemon, measure: string, first: number): Promise<void> {
  const kernel = new KernelSet(table, set)
  const each: number[] = []
  for (let i = 0; i < probes; i++) {
    const ip = address((1 << 23) + first + i)
    const begun = process.hrtime.bigint()
    await ban(daemon, [ip], 3_600_000)
    each.push(Number(kernel.appearance(keyOf(ip)) - begun) / 1e6)
  }
  each.sort((a, b) => a - b)
  row(`${measure}, p50`, 'ms', [quantile(each, 0.5)])
  row(`${measure}, p99`, 'ms', [quantile(each, 0.99)])
  kernel.close()
}

/** A hundred thousand end in one second: how long somebody waits who is to be banned in it. */
async function storm(): Promise<void> {
  const { daemon } = await started(makePlaces('storm'))
  const untilMs = Date.now() + 20_000
  for (let first = 0; first < stormSize; first += 10_000) {
    const ips = Array.from({ length: 10_000 }, (_, n) => address(first + n))
    await ban(daemon, ips, untilMs - Date.now())
  }
  const calm: number[] = []
  const during: number[] = []
  for (let i = 0; Date.now() < untilMs + 5000; i++) {
    const waitedMs = (await secondsOf(() => ban(daemon, [address((1 << 23) + i)], 3_600_000))) * 1000
    const sinceMs = Date.now() - untilMs
    if (sinceMs > 0 && sinceMs < 4000) during.push(waitedMs)
    else if (sinceMs < -500) calm.push(waitedMs)
    await pause(5)
  }
  const { bans } = await daemon.status()
  if (bans.live > stormSize / 2) remarks.push(`${bans.live} bans are still live after the storm.`)
  calm.sort((a, b) => a - b)
  during.sort((a, b) => a - b)
  row('ban by the API in a calm, worst', 'ms', [quantile(calm, 1)])
  row('ban by the API while 100,000 end, worst', 'ms', [quantile(during, 1)], {
    reach: quantile(calm, 0.5) + 50,
    note: `${during.length} bans`,
  })
  await daemon.stop()
}

/** The same million by nft, which knows no daemon and no database. */
function nftScript(): void {
  const file = path.join(workspace, 'million.nft')
  const elements = Array.from({ length: million }, (_, n) => `${address(n)} timeout 1d`).join(',')
  const lines = ['add table inet peer', 'add set inet peer s { type ipv4_addr; flags timeout; }']
  writeFileSync(file, `${lines.join('\n')}\nadd element inet peer s { ${elements} }\n`)
  const begun = performance.now()
  const { status } = spawnSync('nft', ['-f', file])
  const seconds = (performance.now() - begun) / 1000
  spawnSync('nft', ['delete', 'table', 'inet', 'peer'])
  if (status !== 0) return void remarks.push('nft could not load a million elements.')
  rows.push({ measure: 'of that, from the database to the kernel', subject: 'nft -f', unit: 's', values: [seconds] })
}

async function started(places: Places): Promise<{ daemon: OwnDaemon; seconds: number }> {
  const begun = performance.now()
  const daemon = new OwnDaemon(places)
  await daemon.ready()
  return { daemon, seconds: (performance.now() - begun) / 1000 }
}

function ban(daemon: OwnDaemon, ips: readonly string[], durationMs: number): Promise<unknown> {
  return ask(daemon.socket, '/v1/bans', { ips, jail: 'sshd', durationMs })
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await work()
  return (performance.now() - begun) / 1000
}

/** Between the lines of the log before and after it. */
function restoringSeconds({ logTarget }: Places): number {
  const log = readFileSync(logTarget, 'utf8')
  const at = (pattern: RegExp) => {
    const [, hours, minutes, seconds] =
      new RegExp(`(\\d\\d):(\\d\\d):(\\d\\d,\\d+) .*${pattern.source}`).exec(log) ?? []
    return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds?.replace(',', '.'))
  }
  return at(/Jail 'sshd' started/) - at(/Creating new jail 'sshd'/)
}

function mostMiB(pid: number): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024
}

function row(measure: string, unit: string, values: number[], more: { reach?: number; note?: string } = {}): void {
  rows.push({ measure, subject: 'tocsin', unit, values, ...more })
}

function makePlaces(name: string): Places {
  const home = path.join(workspace, name)
  mkdirSync(home)
  const logPath = path.join(home, 'auth.log')
  writeFileSync(logPath, '')
  const places = makeConfiguration({ home, from: 'shipped', jailLocal: '' })
  const others = [
    ...readFileSync(path.join(places.dir, 'jail.conf'), 'utf8').matchAll(/^\[(?!DEFAULT|INCLUDES|sshd\])(.+)\]/gm),
  ]
  const off = others.map(([, jail]) => `[${jail}]\nenabled = false\n`).join('')
  writeFileSync(path.join(places.dir, 'jail.local'), `${off}${sshdJail(logPath, ['bantime = 1d', 'dbpurgeage = 30d'])}`)
  // A program that is wrong about tens of thousands a minute is stopped; here they are meant.
  writeFileSync(path.join(places.dir, 'tocsin.local'), '[protect]\nbudget = off\nbudget_peers = off\n')
  return places
}

/** As a daemon leaves it that has banned so many in the last hour, with one line each. */
function makeDatabase({ dir }: Places, count: number): void {
  const file = path.join(path.dirname(dir), 'bans.sqlite3')
  const store = openStore({ file, clock: systemClock, log: { write() {} } as never, matchesMax: () => 10 })
  store.bans.addJail('sshd')
  store.close()
  const connection = new Connection(file, 1000)
  const now = Math.floor(Date.now() / 1000)
  const ip = `'10.' || (i >> 16 & 255) || '.' || (i >> 8 & 255) || '.' || (i & 255)`
  const line = `'Nov 21 07:00:01 host sshd[' || i || ']: Failed password for root from ' || ${ip} || ' port 40000 ssh2'`
  connection.exec(`PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN;
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${count - 1})
    INSERT INTO bans (jail, ip, timeofban, bantime, bancount, data)
    SELECT 'sshd', ${ip}, ${now} - i % 3600, ${daySeconds}, 1, CAST('{"matches":["' || ${line} || '"],"failures":5,"tocsin.startMs":' ||
      ((${now} - i % 3600) * 1000 + i % 400 + 1) || '}' AS BLOB) FROM n;
    INSERT INTO bips (ip, jail, timeofban, bantime, bancount, data)
      SELECT ip, jail, timeofban, bantime, bancount, data FROM bans ORDER BY rowid;
    COMMIT; PRAGMA journal_mode = WAL`)
  connection.close()
}
