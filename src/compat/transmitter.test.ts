import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ManualClock } from '../../test/kit/manual-clock.js'
import { RecordingLog } from '../../test/kit/recording-log.js'
import { PyFloat, type PyValue, repr } from '../lib/python-repr.js'
import { readReply } from './control-client.js'
import { writePickle } from './pickle-writer.js'
import { banBegin, TalkingServer } from './server-kit.js'
import { type Rights, Transmitter } from './transmitter.js'

function setUp() {
  const [server, log, clock] = [new TalkingServer(), new RecordingLog(), new ManualClock()]
  const resolveTxt = async (name: string) => {
    const answers: Record<string, string[][]> = {
      '9.2.0.192.origin.asn.cymru.com': [
        ['64500 | 192.0.2.0/24 | ZZ | ', 'arin | 2001-01-01'],
        ['"64499 | 192.0.2.0/24 | AA |  | "'],
      ],
      '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.origin6.asn.cymru.com': [
        ['64501 | 2001:db8::/32 | ZZ | ripencc | '],
      ],
    }
    const found = answers[name]
    if (found !== undefined) return found
    throw Object.assign(new Error(name), { code: name.startsWith('7.') ? 'ETIMEOUT' : 'ENOTFOUND' })
  }
  const transmitter = new Transmitter({ server, log, clock, resolveTxt })
  /** What a client gets to see: `0 'pong'`, `1 ValueError('…')`. */
  const say = async (command: PyValue, rights: Rights = 'all') => {
    const reply = readReply(await transmitter.answer(writePickle(command), rights))
    if (reply.kind === 'result') return repr(reply.value)
    return reply.kind === 'other' ? `! ${repr(reply.value)}` : `${reply.className}(${reply.args.map(repr).join(', ')})`
  }
  const all = async (...commands: string[]) => {
    for (const command of commands) assert.doesNotMatch(await say(command.split(' ')), /^\w+\(/, command)
  }
  return { server, log, clock, transmitter, say, all }
}

describe('Transmitter', () => {
  it('shows jails and bans in the words that clients look for', async () => {
    const { say, all } = setUp()
    await all(
      'add b polling',
      'add a systemd',
      'set b bantime 3600',
      'set b banip 192.0.2.9 2001:db8::1',
      'set a banip 192.0.2.9',
    )
    const status =
      "[('Filter', [('Currently failed', 0), ('Total failed', 0), ('File list', [])]), ('Actions', [('Currently banned', 2), ('Total banned', 2)"
    const table: [string, string][] = [
      ['status', "[('Number of jail', 2), ('Jail list', 'a, b')]"],
      ['status b', `${status}, ('Banned IP list', ['192.0.2.9', '2001:db8::1'])])]`],
      ['status b short', `${status}])]`],
      ['status b stats', "['polling', (0, 0), (2, 2)]"],
      [
        'status b cymru',
        `${status}, ('Banned IP list', ['192.0.2.9', '2001:db8::1']), ('Banned ASN list', ['64499, 64500', '64501']), ('Banned Country list', ['AA, ZZ', 'ZZ']), ('Banned RIR list', ['arin, unknown', 'ripencc'])])]`,
      ],
      ['status --all stats', "{'a': ['systemd', (0, 0), (1, 1)], 'b': ['polling', (0, 0), (2, 2)]}"],
      ['stats', "{'a': ['systemd', (0, 0), (1, 1)], 'b': ['polling', (0, 0), (2, 2)]}"],
      ['banned', "[{'b': ['192.0.2.9', '2001:db8::1']}, {'a': ['192.0.2.9']}]"],
      ['banned 192.0.2.9 2001:db8::1 192.0.2.1', "[['b', 'a'], ['b'], []]"],
      ['get b banned', "['192.0.2.9', '2001:db8::1']"],
      ['get b banned 192.0.2.9', '1'],
      ['get b banned 192.0.2.9 192.0.2.1', '[1, 0]'],
      ['get b banip', "['192.0.2.9', '2001:db8::1']"],
      ['set b unbanip 192.0.2.9 192.0.2.1', '1'],
      ['set b unbanip --report-absent 192.0.2.1', 'ValueError("not banned: [\'192.0.2.1\']")'],
      ['unban 192.0.2.9', '1'],
      ['unban --all', '1'],
      ['status nojail', "UnknownJailException('nojail')"],
      ['add a', "DuplicateJailException('a')"],
      ['version', "'1.1.1'"],
    ]
    for (const [command, answer] of table) assert.equal(await say(command.split(' ')), answer, command)
  })

  it('says when bans began and end, permanent ones too', async () => {
    const { say, all } = setUp()
    await all('add a', 'set a bantime 60', 'set a banip 192.0.2.1', 'set a bantime -1', 'set a banip 192.0.2.2')
    const end = banBegin.replace(/:00$/, ':60').replace(':00:60', ':01:00')
    assert.equal(
      await say(['get', 'a', 'banip', '--with-time']),
      repr([`192.0.2.1 \t${banBegin} + 60 = ${end}`, `192.0.2.2 \t${banBegin} + -1 = 9999-12-31 23:59:59`]),
    )
  })

  it('marks addresses that Cymru does not know, and ends its lists where asking failed', async () => {
    const { say, all, log } = setUp()
    await all('add a', 'set a banip 192.0.2.8 host.example', 'add b', 'set b banip 192.0.2.7')
    assert.match(await say(['status', 'a', 'cymru']), /\('Banned RIR list', \['nxdomain', 'nxdomain'\]\)/)
    assert.match(await say(['status', 'b', 'cymru']), /\('Banned RIR list', \[\]\)/)
    assert.match(log.lines.at(-1) ?? '', /^ERROR Failure looking up extended Cymru info/)
  })

  it('warns of a flavour that it does not know, and shows the basic one', async () => {
    const { say, all, log } = setUp()
    await all('add a')
    assert.equal(await say(['status', 'a', 'nice']), await say(['status', 'a']))
    assert.deepEqual(log.lines, [
      "WARNING Unsupported extended jail status flavor 'nice'. Supported: ['short', 'basic', 'stats', 'cymru']",
    ])
  })

  it('hands a configuration over whole', async () => {
    const { say, server } = setUp()
    const stream = [
      ['add', 'a'],
      ['set', 'a', 'maxretry', 5],
      ['start', 'a'],
    ]
    assert.equal(await say(['reload', '--all', ['--unban', '--restart'], stream]), "'OK'")
    assert.equal(await say(['reload', 'a', ['--if-exists'], []]), "'OK'")
    assert.equal(await say(['server-stream', stream]), 'None')
    assert.equal(await say(['config-error', 'oh']), 'None')
    assert.deepEqual(server.calls, [
      ['reload', { jail: undefined, unban: true, restart: true, ifExists: false, stream }],
      ['reload', { jail: 'a', unban: false, restart: false, ifExists: true, stream: [] }],
      ['takeStream', stream],
      ['configError', 'oh'],
    ])
  })

  it('sets several values at once', async () => {
    const { say, all } = setUp()
    await all('add a', 'set a addaction x')
    assert.equal(await say(['multi-set', 'a', 'addfailregex', ['a <HOST>', 'b <HOST>']]), 'True')
    assert.equal(
      await say([
        'multi-set',
        'a',
        'action',
        'x',
        [
          ['actionban', 'true'],
          ['timeout', '5'],
        ],
      ]),
      'True',
    )
    assert.equal(await say(['multi-set', 'a', 'maxretry', '7']), '7')
    assert.equal(await say(['get', 'a', 'failregex']), "['a <HOST>', 'b <HOST>']")
    assert.equal(await say(['get', 'a', 'action', 'x', 'timeout']), '5')
  })

  it('calls methods of actions with arguments by name', async () => {
    const { say, all } = setUp()
    await all('add a', 'set a addaction x')
    assert.equal(await say(['set', 'a', 'action', 'x', 'start']), 'True')
    assert.equal(await say(['set', 'a', 'action', 'x', 'start', '{"a": 1, "b": [1.5]}']), "{'a': 1, 'b': [1.5]}")
    assert.match(await say(['set', 'a', 'action', 'x', 'start', '[]']), /^TypeError\(.*must be a mapping, not list/)
    assert.match(await say(['set', 'a', 'action', 'x', 'start', '{']), /^ValueError\(.not JSON/)
  })

  it('logs what failed as Python prints it, and no more than its begin', async () => {
    const { say, log } = setUp()
    await say(['get', 'a'])
    await say(['status', "it's"])
    await say(['set', 'x'.repeat(100_000)])
    assert.deepEqual(log.lines.slice(0, 2), [
      "ERROR Command ['get', 'a'] has failed. Received IndexError('list index out of range')",
      'ERROR Command [\'status\', "it\'s"] has failed. Received UnknownJailException("it\'s")',
    ])
    assert.match(log.lines[2] ?? '', /^ERROR Command \['set', 'x{1900,2000}'…\] has failed/)
  })

  it('refuses what is not a pickle of data with a text, and says why in the log', async () => {
    const { transmitter, log } = setUp()
    const answer = readReply(await transmitter.answer(Buffer.from("cos\nsystem\n(S'id'\ntR."), 'all'))
    assert.equal(answer.kind, 'other')
    assert.match(
      repr(answer.kind === 'other' ? answer.value : null),
      /^'ERROR: Cannot read a pickle: an operation that is not data/,
    )
    assert.match(log.lines[0] ?? '', /^ERROR PROTO-error: load message failed: /)
  })

  it('lets members of the group read, ban and unban, and nothing else', async () => {
    const { say, all } = setUp()
    await all('add a', 'set a addaction x')
    const open = [
      'ping',
      'status',
      'status a',
      'status --all',
      'banned',
      'get a bantime',
      'get dbfile',
      'get a actions',
      'set a banip 192.0.2.1',
      'set a attempt 192.0.2.2',
      'set a unbanip 192.0.2.1',
      'unban 192.0.2.1',
      'version',
      'echo hi',
    ]
    for (const command of open)
      assert.doesNotMatch(await say(command.split(' '), 'read and ban'), /Permission/, command)
    const closed: PyValue[] = [
      'set a action x actionban id',
      'get a action x actionban',
      'set a addaction y',
      'set a delaction x',
      'set a addlogpath /etc/shadow',
      'set a addignoreip 0.0.0.0/0',
      'set loglevel banip',
      'set logtarget banip',
      'stop',
      'stop a',
      'start a',
      'add b',
      'flushlogs',
      'set a idle on',
      'config-error x',
      'sleep 1',
    ].map((command) => command.split(' '))
    closed.push(
      ['multi-set', 'a', 'action', 'x', []],
      ['multi-set', 'a', 'addfailregex', []],
      ['reload', '--all', [], []],
      ['server-stream', [['set', 'a', 'banip', 'x']]],
    )
    for (const command of closed)
      assert.match(await say(command, 'read and ban'), /^Exception\('Permission denied/, repr(command))
    assert.equal(await say(['get', 'a', 'actions']), "['x']")
  })

  it('answers while a change is carried out, and carries out one change at a time', async () => {
    const { say, server } = setUp()
    const order: string[] = []
    let finish = () => {}
    server.reload = () => {
      order.push('reload begins')
      return new Promise((resolve) => {
        finish = () => {
          order.push('reload ends')
          resolve()
        }
      })
    }
    const reload = say(['reload', '--all', [], []])
    const add = say(['add', 'a']).then((answer) => order.push(answer))
    order.push(await say(['ping']), await say(['unban', '--all']))
    finish()
    await Promise.all([reload, add])
    assert.deepEqual(order, ['reload begins', "'pong'", '0', 'reload ends', "'a'"])
  })

  it('goes on after a change that failed', async () => {
    const { say, server } = setUp()
    server.reload = () => Promise.reject(new Error('a mistake of ours'))
    const reload = say(['reload', '--all', [], []])
    const add = say(['add', 'a'])
    assert.deepEqual([await reload, await add], ["RuntimeError('a mistake of ours')", "'a'"])
  })

  it('answers a stop when everything has stopped, and tells others meanwhile that it ends', async () => {
    const { say, server } = setUp()
    let finish = () => {}
    server.stop = () =>
      new Promise((resolve) => {
        finish = resolve
      })
    const stop = say(['stop'])
    await Promise.resolve()
    await say(['ping'])
    assert.equal(await say(['ping']), "! ['SHUTDOWN']")
    finish()
    assert.equal(await stop, 'None')
  })

  it('goes on after a stop that failed', async () => {
    const { say, server } = setUp()
    server.stop = () => Promise.reject(new Error('a mistake of ours'))
    assert.match(await say(['stop']), /^RuntimeError/)
    assert.equal(await say(['ping']), "'pong'")
  })

  it('sleeps by the clock that it was given, an hour at most', async () => {
    const { say, clock } = setUp()
    const nap = say(['sleep', new PyFloat(1.5)])
    await say(['ping'])
    clock.turn(1500)
    assert.equal(await nap, 'None')
    assert.match(await say(['sleep', '1e9']), /^ValueError/)
    assert.match(await say(['sleep', '-1']), /^ValueError\('sleep length must be non-negative'\)/)
  })
})
