// What a script waits for that calls fail2ban-client, and what the server needs for its part of it.
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { connectControl } from '../src/compat/control-client.js'
import { hasDebianConfiguration, makeConfiguration, type Places, sshdJail } from './kit/configuration.js'
import { Fail2banDaemon, fail2ban } from './kit/fail2ban.js'
import { OwnDaemon } from './kit/own-daemon.js'
import { cpuSecondsOfChildren } from './kit/process-cost.js'
import { print, type Row } from './kit/report.js'
import { findProgram, makeWorkspace, root } from './kit/workspace.js'

const runs = 25
const requests = 2000
/** Processor time is told in steps of 10 ms, so it is taken over this many commands. */
const commandsAtOnce = 10

const workspace = makeWorkspace('client')

function places(name: string): Places {
  const home = path.join(workspace, name)
  mkdirSync(home)
  const logPath = path.join(home, 'auth.log')
  writeFileSync(logPath, 'gate sshd[1]: Server listening on 0.0.0.0 port 22.\n')
  return makeConfiguration({ home, from: hasDebianConfiguration ? 'debian' : 'shipped', jailLocal: sshdJail(logPath) })
}

async function rowsOf(subject: string, client: string, { dir, socket }: Places, reach?: number): Promise<Row[]> {
  const command = () => {
    const { status, stderr } = spawnSync(client, ['-c', dir, 'status'], { encoding: 'utf8' })
    if (status !== 0) throw new Error(`${client} status: ${stderr}`)
  }
  command()
  const wall = Array.from({ length: runs }, () => timed(command))
  const cpu = Array.from({ length: 3 }, () => {
    const before = cpuSecondsOfChildren()
    for (let n = 0; n < commandsAtOnce; n++) command()
    return ((cpuSecondsOfChildren() - before) * 1000) / commandsAtOnce
  })
  const exchange = await exchangeMs(socket)
  return [
    { measure: 'fail2ban-client status, to its end', subject, unit: 'ms', values: wall, ...(reach && { reach }) },
    { measure: 'fail2ban-client status, processor', subject, unit: 'ms', values: cpu },
    { measure: 'one status on an open connection', subject, unit: 'ms', values: exchange },
  ]
}

function timed(task: () => void): number {
  const begun = performance.now()
  task()
  return performance.now() - begun
}

/** Mean of each fifth of the requests, one after another. */
async function exchangeMs(socket: string): Promise<number[]> {
  const connection = await connectControl(socket)
  const means: number[] = []
  for (let part = 0; part < 5; part++) {
    const begun = performance.now()
    for (let n = 0; n < requests / 5; n++) await connection.send(['status', 'sshd'])
    means.push((performance.now() - begun) / (requests / 5))
  }
  connection.close()
  return means
}

async function own(): Promise<Row[]> {
  const where = places('own')
  const daemon = new OwnDaemon(where)
  await daemon.ready()
  const rows = await rowsOf('tocsin', path.join(root, 'bin/fail2ban-client'), where, 80)
  await daemon.stop()
  return rows
}

async function peer(subject: string): Promise<Row[]> {
  const where = places('fail2ban')
  const daemon = new Fail2banDaemon(where)
  await daemon.ready()
  const rows = await rowsOf(subject, findProgram('fail2ban-client') ?? '', where)
  await daemon.stop()
  return rows
}

/** The part of it that no program in JavaScript can avoid. */
function nodeRow(): Row {
  const values = Array.from({ length: runs }, () => timed(() => spawnSync(process.execPath, ['-e', '0'])))
  return { measure: 'node -e 0, to its end', subject: 'Node.js alone', unit: 'ms', values }
}

const rows = [...(await own()), ...(fail2ban === undefined ? [] : await peer(fail2ban)), nodeRow()]
print({
  benchmark: 'client',
  method: `A process for each command, ${runs} of them, one after another, each client with its own server; then ${requests} requests of \`status sshd\` on one connection, by our client. One jail`,
  rows,
  remarks: fail2ban === undefined ? ['Fail2ban is not installed.'] : [],
})
