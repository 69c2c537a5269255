import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import path from 'node:path'
import { before, describe, it } from 'node:test'
import { House, tocsin } from './kit/daemon-kit.js'

interface Answer {
  status: number
  error: string
}

/** What an HTTP request of any shape is answered. */
function send(socketPath: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, path, method: body === undefined ? 'GET' : 'POST', headers }, (response) => {
      let text = ''
      response.on('data', (part) => {
        text += part
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, error: JSON.parse(text).error ?? '' }))
    })
    call.on('error', reject)
    call.end(body)
  })
}

/** What raw bytes on the socket are answered. */
function sendRaw(socketPath: string, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath, () => socket.write(bytes))
    let text = ''
    socket.on('data', (part) => {
      text += part
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(text))
  })
}

describe('the socket', () => {
  let house: House
  before(async () => {
    house = new House()
    await house.serve('--simulate')
  })

  it('is for its owner only', () => {
    assert.equal(statSync(house.socket).mode & 0o777, 0o600)
  })

  it('answers garbage with 400 and a sentence, and goes on', async () => {
    for (const garbage of [
      'hello\r\n\r\n',
      Buffer.from([0x80, 5, 0x95, 0, 0, 0]),
      // What Fail2ban's own client sends.
      Buffer.from('\x80\x02]q\x00X\x04\x00\x00\x00pingq\x01a.<F2B_END_COMMAND>', 'latin1'),
      `GET ${'x'.repeat(100_000)}\r\n\r\n`,
    ]) {
      const answer = await sendRaw(house.socket, garbage)
      assert.match(answer, /^HTTP\/1\.1 4\d\d /)
      assert.match(answer, /\{"error":"[A-Z][^"]+"\}$/)
    }
    assert.equal((await house.status()).bans.live, 0)
  })

  it('says what is wrong with a request', async () => {
    const cases: [string, string | undefined, number, RegExp][] = [
      ['/v1/nothing', undefined, 404, /There is no GET \/v1\/nothing/],
      ['/v1/bans', 'no json', 400, /no JSON/],
      ['/v1/bans', '{}', 400, /ips/],
      ['/v1/bans', '{"ips":["203.0.113.1"],"forever":true}', 400, /forever/],
      ['/v1/bans', '{"ips":"203.0.113.1"}', 400, /ips/],
      ['/v1/bans', '{"ips":["203.0.113.1"],"durationMs":-5}', 400, /durationMs/],
      ['/v1/bans', `{"ips":[${'"203.0.113.1",'.repeat(20_000)}"203.0.113.1"]}`, 400, /ips/],
      ['/v1/bans', ' '.repeat(2_000_000), 400, /larger than/],
      ['/v1/bans', '{"ips":["203.0.113.1"],"jail":"nope"}', 404, /no jail 'nope'/],
      ['/v1/jails/nope', undefined, 404, /no jail 'nope'/],
    ]
    for (const [path, body, status, words] of cases) {
      const answer = await send(house.socket, path, body)
      assert.equal(answer.status, status, `${path} ${body?.slice(0, 60)}`)
      assert.match(answer.error, words)
    }
    assert.deepEqual(await house.bans(), [])
  })
})

describe('every command', () => {
  let house: House
  before(async () => {
    house = new House()
    await house.serve('--simulate')
  })

  it('prints JSON that can be parsed', async () => {
    await house.json('ban', '203.0.113.1', '--for', '10m')
    for (const words of [
      ['status'],
      ['status', 'sshd'],
      ['banned'],
      ['banned', '203.0.113.1'],
      ['why', '203.0.113.1'],
      ['version'],
      ['reload'],
      ['check'],
      ['unban', '203.0.113.1'],
    ]) {
      assert.equal(typeof (await house.json(...words)), 'object', words.join(' '))
    }
  })

  it('tells what it did in words, and by its exit code', async () => {
    const cases: [string[], number, RegExp][] = [
      [['ban', '203.0.113.5', '--for', '1h'], 0, /203\.0\.113\.5 in manual: banned for 1h \(simulated only\)/],
      [['ban', '203.0.113.5', '--for', '1m'], 0, /already banned/],
      [['ban', '203.0.113.6', '-j', 'sshd', '--permanent'], 0, /203\.0\.113\.6 in sshd: banned for good/],
      [['banned', '203.0.113.5'], 0, /203\.0\.113\.5 +manual/],
      [['why', '203.0.113.5'], 0, /203\.0\.113\.5 banned.* in manual .*by an operator/],
      [['unban', '203.0.113.5'], 0, /203\.0\.113\.5 unbanned/],
      [['unban', '203.0.113.5'], 1, /203\.0\.113\.5 is not banned/],
      [['banned', '203.0.113.5'], 1, /203\.0\.113\.5 is not banned/],
      [['unban', '--all'], 0, /1 ban lifted/],
      [['banned'], 0, /Nobody is banned/],
      [['ban', 'nonsense'], 1, /nonsense: refused: it is not an IP address/],
      [['ban', '203.0.113.5', '--for', 'soon'], 2, /soon is not a duration/],
      [['ban', '203.0.113.5', '-j', 'nope'], 1, /no jail 'nope'/],
      [['unban'], 2, /Say which address/],
      [['completions', 'tcsh'], 2, /no completion for 'tcsh'/],
    ]
    for (const [words, exitCode, said] of cases) {
      const given = words[0] === 'completions' ? await tocsin(...words) : await house.tocsin(...words)
      assert.equal(given.exitCode, exitCode, `${words.join(' ')}: ${given.stdout}${given.stderr}`)
      assert.match(given.stdout + given.stderr, said)
    }
  })

  it('takes -c in front, as people who come from Fail2ban write it', async () => {
    const { exitCode, stdout } = await tocsin('-c', house.config, 'status')
    assert.equal(exitCode, 0)
    assert.match(stdout, /sshd/)
  })

  it('answers a command line that it does not understand with 2', async () => {
    for (const words of [['nothing'], ['status', '--wrong'], ['why']])
      assert.equal((await tocsin(...words)).exitCode, 2, words.join(' '))
  })
})

it('says in one sentence that no daemon runs, exit 1', async () => {
  const house = new House()
  for (const words of [
    ['status'],
    ['ban', '203.0.113.1'],
    ['unban', '203.0.113.1'],
    ['banned'],
    ['why', '203.0.113.1'],
    ['reload'],
    ['restart'],
    ['stop'],
  ]) {
    const { exitCode, stdout, stderr } = await house.tocsin(...words)
    assert.deepEqual([exitCode, stdout], [1, ''], words.join(' '))
    assert.match(stderr, /^No daemon is running here: nobody answers on [^\n]*\n$/)
  }
})

describe('completion', () => {
  it('proposes commands and flags', async () => {
    const proposed = async (...words: string[]) =>
      (await tocsin('__complete', ...words)).stdout.split('\n').filter(Boolean)
    assert.deepEqual(await proposed('un'), ['unban'])
    assert.ok((await proposed('ban', '--f')).includes('--force'))
  })

  it('completes in a real bash', () => {
    const program = `${process.execPath} ${path.resolve(import.meta.dirname, '../bin/tocsin')}`
    const script = `tocsin() { ${program} "$@"; }; source <(tocsin completions bash); COMP_WORDS=(tocsin un); COMP_CWORD=1; _tocsin; echo "\${COMPREPLY[@]}"`
    assert.equal(spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout, 'unban\n')
  })

  for (const shell of ['bash', 'zsh', 'fish']) {
    const isThere = spawnSync(shell, ['-c', 'true']).status === 0
    // Only what is installed can read its script; bash is everywhere.
    if (!isThere && shell !== 'bash') continue
    it(`is a script that ${shell} can read`, async () => {
      const { stdout } = await tocsin('completions', shell)
      assert.equal(spawnSync(shell, ['-n'], { input: stdout }).status, 0)
    })
  }
})
