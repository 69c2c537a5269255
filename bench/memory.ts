// What a daemon costs while nothing happens, and with 100,000 bans.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ask } from '../src/api/client.js'
import { makeConfiguration, type Places, sshdJail } from './kit/configuration.js'
import { Fail2banDaemon, fail2ban } from './kit/fail2ban.js'
import { kernelBans } from './kit/kernel-bans.js'
import { address } from './kit/kernel-sets.js'
import { OwnDaemon } from './kit/own-daemon.js'
import { type Memory, memoryOf } from './kit/process-cost.js'
import { print, type Row, summarize } from './kit/report.js'
import { isApart, makeWorkspace, root, until } from './kit/workspace.js'

const runs = 3
/** For what a start leaves behind to be cleared away. */
const settleMs = 2000
const banCount = 100_000
/** Fail2ban takes minutes for more. */
const peerBanCount = 5_000

const workspace = makeWorkspace('memory')
let homes = 0

async function idle(measure: string, jailLocal: (logPath: string) => string): Promise<Row[]> {
  const samples: Memory[] = []
  for (let i = 0; i < runs; i++) {
    const daemon = new OwnDaemon(makePlaces('shipped', jailLocal))
    await daemon.ready()
    await pause(settleMs)
    samples.push(memoryOf(daemon.pid))
    await daemon.stop()
  }
  return rowsOf(measure, 'tocsin', samples)
}

async function banned(measure: string): Promise<Row[]> {
  const daemon = new OwnDaemon(makePlaces('shipped', sshdJail))
  await daemon.ready()
  for (let first = 0; first < banCount; first += 10_000) {
    const ips = Array.from({ length: 10_000 }, (_, n) => address(first + n))
    await ask(daemon.socket, '/v1/bans', { ips, jail: 'sshd', durationMs: 3_600_000 })
  }
  const atOnce = memoryOf(daemon.pid)
  await pause(5 * settleMs)
  const later = memoryOf(daemon.pid)
  await daemon.stop()
  return [
    ...rowsOf(`${measure}, at once`, 'tocsin', [atOnce]),
    ...rowsOf(`${measure}, ${(5 * settleMs) / 1000} s later`, 'tocsin', [later]),
  ]
}

async function peer(measure: string, subject: string): Promise<Row[]> {
  const samples: Memory[] = []
  for (let i = 0; i < runs; i++) {
    const daemon = new Fail2banDaemon(makePlaces('debian', (log) => sshdJail(log, ['banaction = nftables-multiport'])))
    await daemon.ready()
    await pause(settleMs)
    samples.push(memoryOf(daemon.pid))
    await daemon.stop()
  }
  return rowsOf(measure, subject, samples)
}

function rowsOf(measure: string, subject: string, samples: Memory[]): Row[] {
  return [
    { measure: `${measure}: private`, subject, unit: 'MiB', values: samples.map((one) => one.privateDirtyMiB) },
    { measure: `${measure}: resident`, subject, unit: 'MiB', values: samples.map((one) => one.rssMiB) },
  ]
}

function makePlaces(from: 'debian' | 'shipped', jailLocal: (logPath: string) => string): Places {
  const home = path.join(workspace, `run-${homes++}`)
  mkdirSync(home)
  const logPath = path.join(home, 'auth.log')
  writeFileSync(logPath, '')
  const places = makeConfiguration({ home, from, jailLocal: '' })
  const isAlone = from === 'shipped' && jailLocal !== allJails
  writeFileSync(path.join(places.dir, 'jail.local'), `${isAlone ? allOff() : ''}${jailLocal(logPath)}`)
  return places
}

/** Our own jails are on by themselves; sshd is the one that is measured. */
function allOff(): string {
  return shippedJails()
    .filter((name) => name !== 'sshd')
    .map((name) => `[${name}]\nenabled = false\n`)
    .join('')
}

function allJails(logPath: string): string {
  return shippedJails()
    .map((name) => `[${name}]\nenabled = true\nlogpath = ${logPath}\n`)
    .join('')
}

function shippedJails(): string[] {
  const text = readFileSync(path.join(root, 'config', 'jail.conf'), 'utf8')
  return [...text.matchAll(/^\[(?!DEFAULT|INCLUDES)(.+)\]/gm)].flatMap(([, name]) => name ?? [])
}

/** What a daemon needs for each ban, besides what it needs without any. */
function eachBan(subject: string, bans: number, before: Row[], after: Row[]): Row {
  const mib = (rows: Row[]) => summarize(rows[0]?.values ?? []).median
  return {
    measure: 'a ban: process, private',
    subject,
    unit: 'bytes',
    values: [((mib(after) - mib(before)) * 2 ** 20) / bans],
    note: `of ${bans.toLocaleString('en')} bans`,
  }
}

/** Bans without actions: nothing but Fail2ban's own memory of them. */
async function peerBanned(subject: string, idleRows: Row[]): Promise<Row> {
  const daemon = new Fail2banDaemon(makePlaces('debian', (log) => sshdJail(log, ['action ='])))
  await daemon.ready()
  for (let first = 0; first < peerBanCount; first += 500)
    daemon.command('set', 'sshd', 'banip', ...Array.from({ length: 500 }, (_, n) => address(first + n)))
  const isDone = () => daemon.log().split('] Ban ').length > peerBanCount
  await until(isDone, 'the bans of Fail2ban', { everyMs: 200 })
  await pause(settleMs)
  const after = memoryOf(daemon.pid)
  await daemon.stop()
  return eachBan(subject, peerBanCount, idleRows, rowsOf('', subject, [after]))
}

const one = 'idle, 1 jail'
const rows = await idle(one, sshdJail)
const idleRows = [...rows]
const remarks: string[] = []
const peerIdleRows = fail2ban ? await peer(one, fail2ban) : []
rows.push(...peerIdleRows)
if (!fail2ban) remarks.push('Fail2ban is not installed: not compared with it.')
rows.push(...(await idle(`idle, all ${shippedJails().length} shipped jails`, allJails)))
const bannedRows = await banned('100,000 bans')
rows.push(...bannedRows, eachBan('tocsin', banCount, idleRows, bannedRows.slice(2)))
if (fail2ban) rows.push(await peerBanned(fail2ban, peerIdleRows))
if (isApart) rows.push(...(await kernelBans()))
if (!isApart) remarks.push('Not root: bans are simulated, so their memory is not the whole of it.')
if (fail2ban)
  remarks.push('Fail2ban is not measured with 100,000 bans: at its rate (see rate) that takes many minutes.')

print({
  benchmark: 'memory',
  method: `private: dirty pages of this process alone; resident: all of its pages in memory; ${settleMs / 1000} s after the start (smaps_rollup); in the kernel: growth of Slab and VmallocUsed in /proc/meminfo`,
  rows,
  remarks,
})
