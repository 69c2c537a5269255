import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, readlinkSync, renameSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { after, it } from 'node:test'
import { writePickle } from '../../src/compat/pickle-writer.js'
import { runChild } from '../../src/lib/child.js'
import { tuple } from '../../src/lib/python-repr.js'
import { build, root } from '../kit/build.js'
import { waitUntil } from '../kit/wait-until.js'
import { type Client, programsIn } from './clients.js'
import { SessionHouse } from './house.js'
import { apart, startServer } from './servers.js'

await build()

const programs: Client = programsIn(path.join(root, 'bin'), apart)
const houses: SessionHouse[] = []
after(async () => {
  for (const house of houses) {
    await client(house, 'stop')
    house.remove()
  }
})

function newHouse(): SessionHouse {
  const house = new SessionHouse()
  houses.push(house)
  return house
}

const client = (house: SessionHouse, ...words: string[]) =>
  programs.run('fail2ban-client', ['-c', house.config, ...words])
const untilLogged = (house: SessionHouse, words: string) =>
  waitUntil(
    () => house.read('server.log').includes(words),
    () => `the log has ${words}; it has:\n${house.read('server.log')}`,
  )

async function endOf(server: ChildProcess): Promise<number | string | null> {
  const [code, signal] = await once(server, 'exit')
  return code ?? signal
}

/** What the kernel says of a process: proc(5), /proc/pid/stat. */
function statOf(pid: number | string) {
  const [, comm, rest = ''] = /^\d+ \((.*)\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
  const [, parent, , session, terminal] = rest.split(' ')
  return { comm, parent, session, terminal }
}

const leftBehind = (house: SessionHouse) => ['f2b.sock', 'f2b.pid'].filter((name) => existsSync(house.at(name)))

it('in the foreground obeys the signals of a service manager', async () => {
  const house = newHouse()
  const server = await startServer('own', house)
  assert.equal(readFileSync(`/proc/${server.pid}/comm`, 'utf8'), 'fail2ban-server\n')
  assert.equal(house.read('f2b.pid').trim(), String(server.pid))
  renameSync(house.at('server.log'), house.at('server.log.1'))
  server.kill('SIGUSR1')
  await waitUntil(() => existsSync(house.at('server.log')), 'the log is opened anew')
  house.write('config/jail.local', '[spare]\nenabled = true\n')
  server.kill('SIGHUP')
  await untilLogged(house, 'Reload finished.')
  assert.match((await client(house, 'status')).stdout, /Jail list:\tmail, spare, web/)
  const ended = endOf(server)
  server.kill('SIGTERM')
  assert.equal(await ended, 0)
  assert.deepEqual(leftBehind(house), [])
})

it('in the foreground of a client ends in order, too', async () => {
  const house = newHouse()
  const [file = '', ...words] = [...apart, process.execPath, path.join(root, 'bin/fail2ban-client')]
  const server = spawn(file, [...words, '-c', house.config, '-f', 'start'], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(server.stdout, 'data')
  const ended = endOf(server)
  server.kill('SIGTERM')
  assert.equal(await ended, 0)
  assert.match(house.read('server.log'), /Exiting Fail2ban\n$/)
  assert.deepEqual(leftBehind(house), [])
})

it('in the background has no terminal, no parent, and files for nobody else', async () => {
  const house = newHouse()
  const started = await programs.run('fail2ban-server', ['-c', house.config, '--pname', 'guard', '-b', 'start'])
  assert.equal(started.stdout, 'Server ready\n')
  const pid = house.read('f2b.pid').trim()
  const daemon = statOf(pid)
  assert.equal(daemon.comm, 'guard')
  assert.notEqual(daemon.parent, String(process.pid))
  assert.notEqual(daemon.session, statOf(process.pid).session)
  assert.equal(daemon.terminal, '0')
  assert.equal(readlinkSync(`/proc/${pid}/cwd`), '/')
  for (const number of [0, 1, 2]) assert.equal(readlinkSync(`/proc/${pid}/fd/${number}`), '/dev/null')
  assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), /^Umask:\s+0077$/m)
  assert.equal(statSync(house.at('f2b.sock')).mode & 0o777, 0o700)
  assert.equal((await client(house, 'stop')).stdout, 'Shutdown successful\n')
  await waitUntil(() => leftBehind(house).length === 0, 'nothing is left behind')
})

it('that cannot start says why', async () => {
  const house = newHouse()
  house.write('config/tocsin.local', '[api]\nsocket = DIR/no-directory\n')
  house.write('no-directory/in-the-way', '')
  const { code, stderr } = await client(house, 'start')
  assert.equal(code, 255)
  assert.match(stderr, /Could not start fail2ban-server: .*no-directory/s)
  assert.deepEqual(leftBehind(house), [])
})

it('is left alone by a restart with a wrong configuration', async () => {
  const house = newHouse()
  await client(house, 'start')
  const pid = house.read('f2b.pid')
  house.write('config/jail.local', '[web]\nenabled = %(nosuch)s\n')
  const { code, stdout, stderr } = await client(house, 'restart')
  assert.deepEqual([code, stdout], [255, ''])
  assert.match(stderr, /Failed during configuration: Bad value substitution/)
  assert.equal(house.read('f2b.pid'), pid)
  assert.equal((await client(house, 'ping')).stdout, 'Server replied: pong\n')
})

it('may answer at length, and the client prints all of it', async () => {
  const house = newHouse()
  const long = 'x'.repeat(3_000_000)
  const answer = Buffer.concat([writePickle(tuple(0, long)), Buffer.from('<F2B_END_COMMAND>')])
  const wordy = createServer((connection) => {
    connection.on('error', () => {})
    connection.on('data', () => connection.write(answer))
  }).listen(house.socket)
  await once(wordy, 'listening')
  const program = path.join(root, 'bin/fail2ban-client')
  const asked = await runChild([program, '-c', house.config, 'version'], { timeoutMs: 20_000, outputBytesMax: 1 << 24 })
  assert.equal(asked.stdout.length, long.length + 1)
  const script = `"$1" -c "$2" version 2>&1 | head -c 5; "$1" -c "$2" version | (sleep 0.1; wc -c)`
  const cut = await runChild(['/bin/sh', '-c', script, 'sh', program, house.config], { timeoutMs: 20_000 })
  assert.equal(cut.stdout, `xxxxx${long.length + 1}\n`)
  wordy.close()
})

it('may be waited for by a client that is told to end', async () => {
  const house = newHouse()
  const silent = createServer().listen(house.socket)
  await once(silent, 'listening')
  const asking = spawn(path.join(root, 'bin/fail2ban-client'), ['-c', house.config, 'status'], { stdio: 'pipe' })
  let stderr = ''
  asking.stderr.on('data', (piece) => {
    stderr += piece
  })
  await once(silent, 'connection')
  asking.kill('SIGTERM')
  assert.equal(await endOf(asking), 255)
  assert.match(stderr, /WARNING Caught signal 15\. Exiting/)
  silent.close()
})
