import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { exchange, socketPath } from '../../test/kit/exchange.js'
import { RecordingLog } from '../../test/kit/recording-log.js'
import { tempDir } from '../../test/kit/temp-dir.js'
import { waitUntil } from '../../test/kit/wait-until.js'
import { systemClock } from '../lib/clock.js'
import { PyTuple, type PyValue, repr } from '../lib/python-repr.js'
import { readReply } from './control-client.js'
import { type ControlSocket, listenControl } from './control-socket.js'
import { endMarker } from './end-marker.js'
import { commands } from './peer-commands.js'
import { writePickle } from './pickle-writer.js'
import { TalkingServer } from './server-kit.js'
import { Transmitter } from './transmitter.js'

const program = '/usr/bin/fail2ban-server'
const withoutPeer = existsSync(program) ? false : 'Fail2ban is not installed'

describe('beside Fail2ban itself', { skip: withoutPeer }, () => {
  const dir = tempDir()
  const theirs = path.join(dir, 'sock')
  const ours = socketPath()
  const log = new RecordingLog()
  let socket: ControlSocket | undefined

  before(async () => {
    const options = ['-s', theirs, '-p', path.join(dir, 'pid'), '--logtarget', path.join(dir, 'log')]
    const server = spawn(program, ['--async', '-b', ...options, 'start'], { stdio: 'ignore' })
    const transmitter = new Transmitter({
      server: new TalkingServer(),
      log,
      clock: systemClock,
      resolveTxt: async () => [],
    })
    socket = await listenControl({ path: ours, log, answer: (request, rights) => transmitter.answer(request, rights) })
    await once(server, 'close')
    await waitUntil(() => existsSync(theirs), 'Fail2ban listens')
  })

  after(async () => {
    await exchange(theirs, [writePickle(['stop']), endMarker])
    await socket?.close()
  })

  async function both(request: Buffer): Promise<[theirs: string, ours: string]> {
    const answer = async (place: string) =>
      printed((await exchange(place, [request, endMarker])).subarray(0, -endMarker.length))
    return [await answer(theirs), await answer(ours)]
  }

  it('gives the same answers, results and failures', async () => {
    for (const command of commands) {
      const [wanted, given] = await both(writePickle(command))
      assert.equal(given, wanted.replace(...defect), repr(command))
    }
  })

  it('logs failures in the same words', async () => {
    const failures = (lines: readonly string[]) => lines.filter((line) => line.includes('has failed. Received'))
    const wanted = readFileSync(path.join(dir, 'log'), 'utf8')
      .split('\n')
      .map((line) => line.replace(/^.*: ERROR {3}/, 'ERROR ').replace(...defect))
    assert.deepEqual(failures(log.lines), failures(wanted))
  })

  it('writes the very bytes where Fail2ban’s do not depend on its memory', async () => {
    const simple: PyValue[] = [
      ['ping'],
      ['status'],
      ['status', 'nojail'],
      ['get', 'j', 'bantime'],
      ['banned', '192.0.2.9'],
      ['get'],
      ['echo', 'a', 'b'],
      ['get', 'j', 'ignoreself'],
    ]
    for (const command of simple) {
      const request = [writePickle(command), endMarker]
      const [wanted, given] = [await exchange(theirs, request), await exchange(ours, request)]
      assert.equal(given.toString('latin1'), wanted.toString('latin1'), repr(command))
    }
  })

  it('takes requests in all protocols, from Python’s own client too', async () => {
    const script = `
import sys, socket, pickle
from fail2ban.client.csocket import CSocket
out = []
for path in sys.argv[1:]:
    answers = []
    for protocol in range(6):
        s = socket.socket(socket.AF_UNIX); s.connect(path)
        s.sendall(pickle.dumps(['get', 'j', 'banned', '192.0.2.9', 'x'], protocol) + b'<F2B_END_COMMAND>')
        answers.append(CSocket.receive(s)); s.close()
    client = CSocket(path)
    for command in (['ping'], ['status', 'nojail'], ['status', 'j'], ['get'], ['echo', {'a': 1}, [1.5, True], {1}]):
        answers.append(client.send(command))
    client.close()
    out.append(repr(answers))
assert out[0] == out[1].replace('[1]]', '{1}]'), out`
    const child = spawn('/usr/bin/python3', ['-c', script, theirs, ours], { stdio: ['ignore', 'ignore', 'inherit'] })
    const [exitCode] = await once(child, 'close')
    assert.equal(exitCode, 0)
  })

  it('refuses what is no pickle in the same form', async () => {
    const [wanted, given] = await both(Buffer.from('\x80\x05]garbage', 'latin1'))
    assert.match(wanted, /^other 'ERROR: /)
    assert.match(given, /^other 'ERROR: /)
  })
})

/** Debian's 1.0.2 stumbles when it says that a jail exists already. */
const defect = [/NameError\("name 'noduplicates' is not defined"(,?)\)/, "DuplicateJailException('j'$1)"] as const

function printed(answer: Buffer): string {
  const reply = readReply(answer)
  return reply.kind === 'exception'
    ? `${reply.className}${repr(new PyTuple(reply.args))}`
    : `${reply.kind} ${repr(reply.value)}`
}
