import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { waitUntil } from '../../test/kit/wait-until.js'
import { runChild } from '../lib/child.js'
import { SshSessions } from './ssh-sessions.js'

const without =
  process.getuid?.() !== 0
    ? 'needs root'
    : ['/usr/sbin/sshd', '/usr/bin/ssh', '/usr/bin/ssh-keygen'].find((program) => !existsSync(program))
const skip = without === undefined ? false : `${without}`.startsWith('/') ? `needs ${without}` : without

const children: ChildProcess[] = []
const connections: net.Socket[] = []
const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-sshd-'))
after(() => {
  for (const child of children) child.kill('SIGKILL')
  for (const socket of connections) socket.destroy()
  rmSync(dir, { recursive: true, force: true })
})

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const port = (server.address() as net.AddressInfo).port
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function startSshd(): Promise<number> {
  const port = await freePort()
  mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  for (const name of ['host', 'user'])
    await runChild(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', `${dir}/${name}`], { timeoutMs: 5000 })
  writeFileSync(`${dir}/authorized`, readFileSync(`${dir}/user.pub`), { mode: 0o600 })
  const config = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${dir}/host`,
    `AuthorizedKeysFile ${dir}/authorized`,
    'PidFile none',
    'StrictModes no',
    'UsePAM no',
    'PermitRootLogin yes',
  ]
  writeFileSync(`${dir}/sshd_config`, `${config.join('\n')}\n`)
  children.push(spawn('/usr/sbin/sshd', ['-D', '-f', `${dir}/sshd_config`], { stdio: 'ignore' }))
  await waitUntil(() => connects(port), 'sshd answers')
  return port
}

/** Whether it can; the connection stays until the end. */
function connects(port: number, localAddress = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1', localAddress })
    connections.push(socket)
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  })
}

function login(port: number, from: string, ...words: string[]): ChildProcess {
  const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'IdentitiesOnly=yes', 'LogLevel=ERROR']
  const child = spawn(
    '/usr/bin/ssh',
    [
      '-F',
      'none',
      '-b',
      from,
      '-p',
      `${port}`,
      '-i',
      `${dir}/user`,
      ...options.flatMap((one) => ['-o', one]),
      ...words,
    ],
    { stdio: ['pipe', 'inherit', 'inherit'] },
  )
  children.push(child)
  return child
}

describe('sessions that sshd serves', { skip }, () => {
  it('are those of clients who were let in, and nobody else’s whom they reach or who reach them', async () => {
    const port = await startSshd()
    const sessions = new SshSessions()
    const elsewhere = await freePort()
    const forwarded = await freePort()
    const target = net.createServer().listen(elsewhere, '127.22.0.5')
    const child = login(
      port,
      '127.22.0.7',
      '-L',
      `127.0.0.1:${forwarded}:127.22.0.5:${elsewhere}`,
      'root@127.0.0.1',
      'cat',
    )
    // Others have sessions on this machine, too.
    const addresses = () => sessions.list().filter(({ address }) => address.startsWith('127.22.0.'))
    await waitUntil(() => addresses().length > 0, 'the session is seen')
    assert.deepEqual(addresses(), [{ user: 'root', address: '127.22.0.7' }])
    // Not let in, but connected.
    assert.ok(await connects(port, '127.22.0.9'))
    const reached = new Promise((resolve) => target.once('connection', resolve))
    assert.ok(await connects(forwarded, '127.22.0.8'))
    await reached
    assert.deepEqual(addresses(), [{ user: 'root', address: '127.22.0.7' }])
    target.close()
    child.kill()
    await waitUntil(() => addresses().length === 0, 'its end is seen')
  })

  it('are not what somebody calls his process', async () => {
    const sessions = new SshSessions()
    const child = spawn('/bin/sleep', ['60'], { argv0: 'sshd: mallory@pts/0', stdio: 'ignore' })
    children.push(child)
    await waitUntil(() => readFileSync(`/proc/${child.pid}/cmdline`, 'latin1').startsWith('sshd: mallory'), 'it runs')
    assert.ok(sessions.list().every(({ user }) => user !== 'mallory'))
  })
})
