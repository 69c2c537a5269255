import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import path from 'node:path'
import { afterEach, describe, it } from 'node:test'
import fc from 'fast-check'
import { exchange, socketPath } from '../../test/kit/exchange.js'
import { RecordingLog } from '../../test/kit/recording-log.js'
import { tempDir } from '../../test/kit/temp-dir.js'
import { waitUntil } from '../../test/kit/wait-until.js'
import { silentLog } from '../lib/log.js'
import { connectControl } from './control-client.js'
import { type ControlSocket, type ControlSocketOptions, listenControl } from './control-socket.js'
import { closeRequest, endMarker } from './end-marker.js'
import { writePickle } from './pickle-writer.js'
import { TalkingServer } from './server-kit.js'
import { type Rights, Transmitter } from './transmitter.js'

const withoutPython = spawnSync('python3', ['--version']).status === 0 ? false : 'python3 is not installed'
const withoutRoot = process.getuid?.() === 0 && !withoutPython ? false : 'needs root and python3'
const open: ControlSocket[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((socket) => socket.close()))
})

async function listen(options: Partial<ControlSocketOptions> = {}) {
  const place = options.path ?? socketPath()
  const echo = async (request: Buffer) => request
  const socket = await listenControl({ path: place, answer: echo, log: silentLog, ...options })
  open.push(socket)
  return { place, socket }
}

const marked = (text: string) => Buffer.concat([Buffer.from(text), endMarker])
const answered = async (place: string, ...pieces: Buffer[]) => (await exchange(place, pieces)).toString()

describe('control socket', () => {
  it('belongs to us alone, whatever the mask', async () => {
    const before = process.umask(0)
    try {
      const { place } = await listen()
      assert.equal(statSync(place).mode & 0o7777, 0o700)
      assert.equal(process.umask(), 0)
    } finally {
      process.umask(before)
    }
  })

  it('makes the last level of its directory, and no more', async () => {
    const { place } = await listen()
    assert.ok(existsSync(place))
    await assert.rejects(listen({ path: path.join(path.dirname(place), 'a', 'b', 'sock') }), /ENOENT/)
  })

  it('is gone after the end', async () => {
    const { place, socket } = await listen()
    await socket.close()
    assert.equal(existsSync(place), false)
    await assert.rejects(connectControl(place), { code: 'ENOENT' })
  })

  it('takes over what a crash has left, but no living server and no file', async () => {
    const { place } = await listen()
    const log = new RecordingLog()
    await assert.rejects(listen({ path: place, log }), /Server already running/)
    assert.deepEqual(log.lines, ['ERROR Fail2ban seems to be already running'])
    const stale = path.join(path.dirname(place), 'stale')
    spawnSync('python3', ['-c', `import socket; socket.socket(socket.AF_UNIX).bind('${stale}')`])
    await listen({ path: stale })
    assert.equal(await answered(stale, marked('hi')), marked('hi').toString())
    const file = path.join(path.dirname(place), 'file')
    writeFileSync(file, 'precious')
    await assert.rejects(listen({ path: file, force: true }), /not a socket; move it away/)
  })

  it('takes the place of a living server when forced', async () => {
    const { place } = await listen({ answer: async () => Buffer.from('old') })
    const log = new RecordingLog()
    await listen({ path: place, force: true, log, answer: async () => Buffer.from('new') })
    assert.equal(await answered(place, marked('who?')), marked('new').toString())
    assert.deepEqual(log.lines.slice(1), ['WARNING Forcing execution of the server'])
  })

  it('puts requests together from any pieces, and takes several on one connection', async () => {
    const { place } = await listen()
    const all = Buffer.concat([marked('one'), marked('two'), marked('three')])
    const last = (received: Buffer) => received.includes('three')
    for (const size of [1, 2, 5, 17, 18, 30]) {
      const pieces: Buffer[] = []
      for (let at = 0; at < all.length; at += size) pieces.push(all.subarray(at, at + size))
      assert.equal((await exchange(place, pieces, last)).toString(), all.toString(), `${size} bytes a piece`)
    }
  })

  it('answers one request after the other', async () => {
    const order: string[] = []
    const { place } = await listen({
      answer: async (request) => {
        order.push(`${request} begins`)
        await new Promise((resolve) => setImmediate(resolve))
        order.push(`${request} ends`)
        return request
      },
    })
    await exchange(place, [Buffer.concat([marked('a'), marked('b')])], (received) => received.includes('b'))
    assert.deepEqual(order, ['a begins', 'a ends', 'b begins', 'b ends'])
  })

  it('closes when the client says so, with or without words', async () => {
    const { place } = await listen()
    const never = () => false
    const polite = [marked('a'), Buffer.concat([closeRequest, endMarker])]
    assert.equal((await exchange(place, polite, never)).toString(), marked('a').toString())
    const half = connect({ path: place, allowHalfOpen: true })
    half.end(marked('b'))
    const received: Buffer[] = []
    half.on('data', (piece) => received.push(piece))
    await once(half, 'end')
    half.destroy()
    assert.equal(Buffer.concat(received).toString(), marked('b').toString())
  })

  it('still sends the answer that is due when it closes', async () => {
    let answer = (_: Buffer) => {}
    let asked = () => {}
    const wasAsked = new Promise<void>((resolve) => {
      asked = resolve
    })
    const { place, socket } = await listen({
      answer: () =>
        new Promise((resolve) => {
          answer = resolve
          asked()
        }),
    })
    const idle = connect(place)
    await once(idle, 'connect')
    const reply = answered(place, marked('stop'))
    await wasAsked
    const closed = socket.close()
    await once(idle.resume(), 'close')
    answer(Buffer.from('stopped'))
    assert.equal(await reply, marked('stopped').toString())
    await closed
  })

  it('closes on a request that is too long', async () => {
    const log = new RecordingLog()
    const { place } = await listen({ log })
    const megabyte = Buffer.alloc(1 << 20)
    assert.equal((await exchange(place, new Array(18).fill(megabyte), () => false)).length, 0)
    assert.deepEqual(log.lines, ['ERROR PROTO-error: a request of more than 16777216 bytes'])
  })

  it('lets go of a client that never reads, and answers others meanwhile', async () => {
    const large = Buffer.alloc(8 << 20)
    const { place } = await listen({ idleMs: 300, answer: async (request) => (request.length === 1 ? large : request) })
    const deaf = connect(place).pause()
    let isGone = false
    deaf.on('error', () => {})
    deaf.on('close', () => {
      isGone = true
    })
    for (let i = 0; i < 100; i++) deaf.write(marked('x'))
    assert.equal(await answered(place, marked('hello')), marked('hello').toString())
    // It does not read, so only its words find out that nobody listens any more.
    await waitUntil(() => {
      deaf.write('x')
      return isGone
    }, 'the server lets go')
  })

  it('gives the place of the one that is idle longest to whoever comes', async () => {
    const { place } = await listen()
    const crowd = Array.from({ length: 64 }, () => connect(place))
    await Promise.all(crowd.map((one) => once(one, 'connect')))
    const first = crowd[0]?.resume() ?? assert.fail()
    const gone = once(first, 'close')
    assert.equal(await answered(place, marked('hello')), marked('hello').toString())
    await gone
    for (const one of crowd) one.destroy()
  })

  it('tells members of its group from root', { skip: withoutRoot }, async () => {
    const seen: Rights[] = []
    const answer = async (request: Buffer, rights: Rights) => {
      seen.push(rights)
      return request
    }
    const dir = tempDir()
    chmodSync(dir, 0o755)
    const group = 4711
    const { place } = await listen({ path: path.join(dir, 'sock'), group, answer })
    assert.equal(statSync(place).mode & 0o7777, 0o770)
    assert.equal(statSync(place).gid, group)
    const asUser = (gid: number) => {
      const script = `
import os, socket, sys
os.setgroups([]); os.setgid(${gid}); os.setuid(4712)
s = socket.socket(socket.AF_UNIX)
try:
    s.connect(sys.argv[1])
    s.sendall(b'hi<F2B_END_COMMAND>'); print(s.recv(100).decode())
except PermissionError as e: print(e)`
      return spawn('python3', ['-c', script, place], { stdio: ['ignore', 'pipe', 'inherit'] })
    }
    const said = async (gid: number) => {
      const parts: Buffer[] = []
      const child = asUser(gid)
      child.stdout.on('data', (part) => parts.push(part))
      await once(child, 'close')
      return Buffer.concat(parts).toString().trim()
    }
    assert.equal(await said(group), marked('hi').toString())
    assert.match(await said(4713), /Permission denied/)
    await answered(place, marked('root'))
    assert.deepEqual(seen, ['read and ban', 'all'])
  })

  it('serves a socket of the service manager', { skip: withoutPython }, async () => {
    const place = path.join(tempDir(), 'sock')
    const module = (name: string) => JSON.stringify(new URL(name, import.meta.url))
    const service = `
import { listenControl } from ${module('./control-socket.ts')}
import { inheritedSocket } from ${module('./inherited-socket.ts')}
const inheritedFd = inheritedSocket(process.env, process.pid)
const log = { isOn: () => false, write() {} }
const socket = await listenControl({ path: 'none', inheritedFd, log, answer: async (request, rights) => { setImmediate(() => socket.close()); return Buffer.from(request + ' ' + rights) } })`
    const manager = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); os.dup2(s.fileno(), 3); os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1', LISTEN_FDNAMES='fail2ban')
print('up', flush=True)
os.execv(sys.argv[2], sys.argv[2:])`
    const args = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', service]
    const child = spawn('python3', ['-c', manager, place, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = once(child, 'close')
    await once(child.stdout, 'data')
    assert.equal(await answered(place, marked('hi')), marked('hi all').toString())
    await ended
    assert.ok(existsSync(place), 'the file is the service manager’s')
  })

  it('answers or closes whatever it is sent', async () => {
    const transmitter = new Transmitter({
      server: new TalkingServer(),
      log: silentLog,
      clock: { now: () => 0, after: () => () => {} },
      resolveTxt: async () => [],
    })
    const { place } = await listen({ answer: (request, rights) => transmitter.answer(request, rights) })
    const names = [
      'set',
      'get',
      'multi-set',
      'status',
      'stop',
      'unban',
      'banned',
      'add',
      'x',
      'action',
      'reload',
      '--all',
      'server-stream',
      'idle',
      'addlogpath',
      'thread',
      'constructor',
      '__proto__',
    ]
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom(...names),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 5 }),
      ),
    }))
    const requests = fc.sample(fc.array(value, { maxLength: 6 }), 1000).filter((request) => request[0] !== 'stop')
    const connection = await connectControl(place)
    for (const request of requests) {
      const reply = await connection.send(request as never)
      assert.notEqual(reply.kind, 'other', JSON.stringify(request))
      assert.ok(reply.kind !== 'exception' || reply.className !== 'RuntimeError', JSON.stringify([request, reply]))
    }
    connection.close()
    for (const bytes of fc.sample(fc.uint8Array({ maxLength: 300 }), 100)) {
      const received = await exchange(place, [Buffer.from(bytes), endMarker])
      assert.match(received.toString('latin1'), /ERROR|IndexError|TypeError|<F2B_END_COMMAND>$/s)
    }
    assert.equal((await exchange(place, [writePickle(['ping']), endMarker])).includes('pong'), true)
  })
})
