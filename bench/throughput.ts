// Lines a second of CPU time through the whole daemon: read, matched, counted, banned, logged.
import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { accessLog, stampedAccess, webJails } from './kit/access-log.js'
import { attackLog, stamped } from './kit/attack-log.js'
import { hasDebianConfiguration, makeConfiguration, sshdJail } from './kit/configuration.js'
import { Fail2banDaemon, fail2ban } from './kit/fail2ban.js'
import { OwnDaemon } from './kit/own-daemon.js'
import { cpuSeconds, cpuSecondsOfChildren } from './kit/process-cost.js'
import { print, type Row, summarize } from './kit/report.js'
import { findProgram, isApart, makeWorkspace, until, versionOf } from './kit/workspace.js'

const lineCount = 200_000
/** Fail2ban needs seconds for these already. */
const fail2banLineCount = 20_000
const runs = 5
/** Inside the find time of every configuration (10 minutes). */
const spreadSeconds = 300
/** Not in any log: when Fail2ban has found it, it has read everything before. */
const lastAddress = '203.0.113.250'

const corpus = attackLog()
const workspace = makeWorkspace('throughput')
const from = hasDebianConfiguration ? 'debian' : 'shipped'
const measure = 'sshd log, whole daemon'
/** Most of a short log is read before V8 has compiled what is hot; a long one shows what comes after. */
const longLineCount = 1_000_000
const longMeasure = 'the same, 1,000,000 lines'
const webCorpus = accessLog()
const webLineCount = 500_000
const webMeasure = `access log, ${webJails.length} web jails, whole daemon`
let homes = 0

/** What is read, and by which jails. */
interface Task {
  measure: string
  log(count: number): string
  jails(logPath: string, lines?: readonly string[]): string
}

const ssh: Task = {
  measure,
  log: (count) => (count === 0 ? '' : stamped(corpus, count, spreadSeconds)),
  jails: sshdJail,
}
const web: Task = {
  measure: webMeasure,
  log: (count) => (count === 0 ? '' : stampedAccess(webCorpus, count, spreadSeconds)),
  // Debian's package enables sshd.
  jails: (logPath, lines = []) =>
    '[sshd]\nenabled = false\n' +
    webJails.map((name) => [`[${name}]`, 'enabled = true', `logpath = ${logPath}`, ...lines, ''].join('\n')).join('\n'),
}

async function own(task: Task, count: number, times: number): Promise<Row> {
  const found: number[] = []
  const idle = await repeated(3, () => ownRun(task, 0, found))
  const values = await repeated(times, async () => {
    const cpu = await ownRun(task, count, found)
    return count / (cpu - summarize(idle).median)
  })
  const note = `${count} lines; ${found.at(-1)} failures found`
  return {
    measure: count === longLineCount ? longMeasure : task.measure,
    subject: 'tocsin',
    unit: 'lines/s',
    values,
    note,
  }
}

/** CPU seconds of one daemon from its start until the log is read. */
async function ownRun(task: Task, count: number, found: number[]): Promise<number> {
  const log = task.log(count)
  const { home, logPath } = makeHome(log)
  const daemon = new OwnDaemon(makeConfiguration({ home, from, jailLocal: task.jails(logPath) }))
  await daemon.ready()
  await daemon.hasRead(Buffer.byteLength(log))
  const cpu = cpuSeconds(daemon.pid)
  await daemon.stop()
  found.push(countFound(path.join(home, 'daemon.log')))
  return cpu
}

async function peerFail2ban(subject: string): Promise<Row> {
  const idle = await repeated(2, () => fail2banRun(''))
  const values = await repeated(2, async () => {
    const cpu = await fail2banRun(stamped(corpus, fail2banLineCount, spreadSeconds))
    return fail2banLineCount / (cpu - summarize(idle).median)
  })
  const note = `${fail2banLineCount} lines; its daemon only, without the programs that it starts to ban`
  return { measure, subject, unit: 'lines/s', values, note }
}

async function fail2banRun(log: string): Promise<number> {
  const last = `${stamped({ ...corpus, lines: corpus.lines.slice(0, 1) }, 1, 1).slice(0, 15)} gate sshd[1]: Failed password for root from ${lastAddress} port 4000 ssh2\n`
  const { home, logPath } = makeHome(log + last)
  const lines = ['backend = polling', 'banaction = nftables-multiport']
  const daemon = new Fail2banDaemon(makeConfiguration({ home, from: 'debian', jailLocal: sshdJail(logPath, lines) }))
  await until(() => daemon.log().includes(`Found ${lastAddress}`), 'Fail2ban has read the log', { everyMs: 100 })
  const cpu = cpuSeconds(daemon.pid)
  await daemon.stop()
  return cpu
}

/** Fail2ban on the access log. It has read all when it has come to rest. */
async function peerFail2banWeb(subject: string): Promise<Row> {
  const count = 5000
  const idle = await repeated(2, () => fail2banWebRun(0))
  const values = await repeated(2, async () => count / ((await fail2banWebRun(count)) - summarize(idle).median))
  const note = `${count} lines; its daemon only, without the programs that it starts to ban`
  return { measure: webMeasure, subject, unit: 'lines/s', values, note }
}

async function fail2banWebRun(count: number): Promise<number> {
  const { home, logPath } = makeHome(web.log(count))
  const lines = ['backend = polling', 'banaction = nftables-multiport', 'ignorecommand =']
  const daemon = new Fail2banDaemon(makeConfiguration({ home, from: 'debian', jailLocal: web.jails(logPath, lines) }))
  await daemon.ready(webJails.at(-1))
  const restSeconds = 0.1
  for (let before = -1; cpuSeconds(daemon.pid) - before > restSeconds; ) {
    before = cpuSeconds(daemon.pid)
    await pause(2000)
  }
  const cpu = cpuSeconds(daemon.pid)
  await daemon.stop()
  return cpu
}

/** A program that reads the log from its standard input and nothing more. */
function peerProgram(argv: readonly [string, ...string[]], row: Pick<Row, 'measure' | 'subject' | 'note'>): Row {
  const file = path.join(workspace, 'whole.log')
  writeFileSync(file, stamped(corpus, lineCount, spreadSeconds))
  const [program, ...args] = argv
  // Ten readings are one run: some programs need less than the kernel's clock tells apart.
  const readings = 10
  const values = Array.from({ length: runs }, () => {
    const before = cpuSecondsOfChildren()
    for (let i = 0; i < readings; i++) {
      const input = openSync(file, 'r')
      spawnSync(program, args, { stdio: [input, 'ignore', 'ignore'] })
      closeSync(input)
    }
    return (lineCount * readings) / (cpuSecondsOfChildren() - before)
  })
  return { unit: 'lines/s', values, ...row }
}

function makeHome(log: string): { home: string; logPath: string } {
  const home = path.join(workspace, `run-${homes++}`)
  mkdirSync(home)
  const logPath = path.join(home, 'auth.log')
  writeFileSync(logPath, log)
  return { home, logPath }
}

function countFound(file: string): number {
  return readFileSync(file, 'utf8').split('] Found ').length - 1
}

async function repeated(times: number, run: () => Promise<number>): Promise<number[]> {
  const values: number[] = []
  for (let i = 0; i < times; i++) values.push(await run())
  return values
}

const rows: Row[] = [{ ...(await own(ssh, lineCount, runs)), reach: 1_000_000 }]
const remarks: string[] = []
if (fail2ban && isApart) rows.push(await peerFail2ban(fail2ban))
else if (fail2ban) remarks.push('Not root: bans are simulated, and Fail2ban is not compared with.')
else remarks.push('Fail2ban is not installed: not compared with it.')

const parser = findProgram('sshg-parser')
if (parser) {
  const subject = `sshguard's parser (C)`
  rows.push(peerProgram([parser], { measure, subject, note: 'its parser only: nothing is counted, logged or banned' }))
} else remarks.push('sshguard is not installed: not compared with it.')

const ripgrep = findProgram('rg')
if (ripgrep) {
  const literals = ['-e', 'Failed password', '-e', 'Invalid user', '-e', 'authentication failure']
  const note = 'three literals, lines counted: a floor, not a peer'
  rows.push(
    peerProgram([ripgrep, '-cF', ...literals], { measure, subject: versionOf(ripgrep).split(' (')[0] ?? '', note }),
  )
} else remarks.push('ripgrep is not installed: no floor to compare with.')
rows.push({ ...(await own(ssh, longLineCount, 3)), reach: 1_000_000 })
if (hasDebianConfiguration) rows.push({ ...(await own(web, webLineCount, 3)), reach: 2_000_000 })
else remarks.push("The web jails are those of Debian's package, which is not installed.")
if (fail2ban && isApart && hasDebianConfiguration) rows.push(await peerFail2banWeb(fail2ban))

print({
  benchmark: 'throughput',
  method:
    `${corpus.origin} repeated to ${lineCount} lines, dated over the last ${spreadSeconds} s; the sshd jail of ` +
    `${from === 'debian' ? "Debian's Fail2ban package" : 'our own configuration'}; user and system CPU time of the daemon from its start ` +
    'until it has read everything, less that of a start on an empty log; the access log: ' +
    `${webCorpus.origin}, repeated and dated likewise, ${webLineCount} lines, read by ${webJails.join(', ')}`,
  rows,
  remarks,
})
