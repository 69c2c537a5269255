import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { RecordingLog } from '../../test/kit/recording-log.js'
import { waitUntil } from '../../test/kit/wait-until.js'
import { systemClock } from '../lib/clock.js'
import { PyFloat, PyTuple, type PyValue, repr, tuple } from '../lib/python-repr.js'
import { readReply } from './control-client.js'
import { type ControlSocket, listenControl } from './control-socket.js'
import { endMarker } from './end-marker.js'
import { writePickle } from './pickle-writer.js'
import { TalkingServer } from './server-kit.js'
import { exchange, socketPath } from './socket-kit.js'
import { Transmitter } from './transmitter.js'

const program = '/usr/bin/fail2ban-server'
const withoutPeer = existsSync(program) ? false : 'Fail2ban is not installed'

describe('beside Fail2ban itself', { skip: withoutPeer }, () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-peer-'))
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

const words = (text: string) => text.split(' ')

/** In this order; a jail `j` without files, and an action in it. */
const commands: PyValue[] = [
  [],
  words('ping'),
  words('ping 100'),
  words('nonsense'),
  words('echo a b'),
  ['echo', new PyFloat(1), 2 ** 40, -5, null, true, ['x'], { k: [] }, tuple('t'), 'é€🔔'],
  words('status'),
  words('server-status'),
  words('status j'),
  words('status j basic more'),
  words('banned'),
  words('banned 192.0.2.9'),
  words('unban'),
  words('unban --all'),
  words('unban 192.0.2.9'),
  ['add'],
  words('add --all'),
  words('add j polling'),
  words('add j'),
  words('status'),
  words('status j'),
  words('status j short'),
  words('start j'),
  words('start'),
  words('start nojail'),
  words('stop nojail'),
  words('get'),
  words('get j'),
  words('get j nonsense'),
  words('get nojail nonsense'),
  words('get nojail bantime'),
  words('get loglevel'),
  words('get dbfile'),
  words('get dbmaxmatches'),
  words('get dbpurgeage'),
  words('get thread'),
  words('get allowipv6'),
  words('set'),
  words('set j'),
  words('set loglevel'),
  words('set loglevel info'),
  words('set dbmaxmatches 5'),
  words('set dbpurgeage 5'),
  words('set j nonsense'),
  words('set nojail nonsense'),
  ['set', 'j', 5],
  ['get', 'j', null],
  words('set nojail maxretry'),
  words('set nojail maxretry 5'),
  words('set j maxretry'),
  words('set j maxretry 5'),
  words('set j maxretry five'),
  ['set', 'j', 'maxretry', []],
  ['set', 'j', 'maxretry', null],
  ['set', 'j', 'maxretry', { a: 1 }],
  ['set', 'j', 'maxretry', tuple()],
  ['set', 'j', 'maxretry', new PyFloat(6.9)],
  ['set', 'j', 'maxretry', ' 7 '],
  ['set', 'j', 'maxretry', '1_0'],
  ['set', 'j', 'maxretry', '-1'],
  ['set', 'j', 'maxretry', true],
  words('set j maxretry 5'),
  words('get j maxretry'),
  words('set j maxmatches 9'),
  words('set j maxlines 2'),
  words('get j maxlines'),
  words('set j bantime -1'),
  words('set j bantime 600'),
  words('get j bantime'),
  words('set j findtime 700'),
  words('get j findtime'),
  words('set j usedns no'),
  words('get j usedns'),
  words('set j ignoreself false'),
  words('get j ignoreself'),
  words('set j logencoding UTF-8'),
  words('get j logencoding'),
  words('get j prefregex'),
  words('get j datepattern'),
  words('get j logtimezone'),
  words('get j ignorecommand'),
  words('set j ignorecommand true'),
  words('get j ignorecache'),
  words('get j logpath'),
  words('get j journalmatch'),
  words('set j addjournalmatch a=b'),
  words('set j deljournalmatch'),
  words('set j addlogpath'),
  words('set j addlogpath /x middle'),
  words('set j addlogpath /x head more'),
  words('set j addlogpath /dev/null tail'),
  words('get j logpath'),
  words('set j dellogpath /dev/null'),
  words('set j addignoreip'),
  // One at a time: Fail2ban keeps them in no order.
  words('set j addignoreip 198.51.100.1'),
  words('get j ignoreip'),
  words('set j delignoreip 198.51.100.1'),
  words('set j delignoreip'),
  words('set j addfailregex'),
  words('set j delfailregex x'),
  words('get j failregex'),
  words('get j ignoreregex'),
  words('set j idle on'),
  words('set j idle off'),
  words('set j idle'),
  words('set j idle maybe'),
  words('set j banip'),
  words('set j banip 192.0.2.9'),
  words('set j banip 192.0.2.9 2001:db8::1'),
  words('get j banned'),
  words('get j banned 192.0.2.9'),
  words('get j banned 192.0.2.9 192.0.2.1'),
  words('get j banip'),
  words('banned'),
  words('banned 192.0.2.9 192.0.2.1'),
  words('status j'),
  words('status j short'),
  words('set j unbanip'),
  words('set j unbanip 192.0.2.1'),
  words('set j unbanip --report-absent'),
  words('set j unbanip --report-absent 192.0.2.1 2001:db8::1'),
  words('set nojail unbanip 192.0.2.1'),
  words('set j attempt'),
  words('set j attempt 192.0.2.77'),
  words('get j actions'),
  words('set j addaction'),
  words('set j addaction a'),
  words('set j addaction a'),
  words('get j actions'),
  words('get j action'),
  words('get j action a'),
  words('get j action a timeout'),
  words('get j action a nothing'),
  words('get j action b timeout'),
  words('get j actionproperties'),
  words('get j actionproperties b'),
  words('get j actionmethods b'),
  words('set j action'),
  words('set j action a'),
  words('set j action a actionban'),
  ['set', 'j', 'action', 'a', 'actionban', 'true <ip>'],
  words('set j action b actionban x'),
  words('get j action a actionban'),
  words('set j action a start'),
  [
    'multi-set',
    'j',
    'action',
    'a',
    [
      ['actionunban', 'false'],
      ['own', 'x'],
    ],
  ],
  words('get j action a own'),
  ['multi-set', 'j', 'action', 'a', [['own']]],
  words('multi-set j maxretry 4'),
  words('multi-set j maxretry'),
  words('multi-set'),
  words('set j delaction b'),
  words('set j delaction a'),
  words('set j delaction'),
  words('sleep'),
  words('sleep x'),
  ['sleep', []],
  words('sleep 0'),
  ['sleep', -1],
  words('config-error'),
  words('flushlogs'),
  words('server-stream'),
  'ping',
  5,
  null,
  true,
  tuple('ping'),
  words('unban 192.0.2.9'),
]
