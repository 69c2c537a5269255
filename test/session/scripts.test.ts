import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { runChild } from '../../src/lib/child.js'
import { build } from '../kit/build.js'
import { waitUntil } from '../kit/wait-until.js'
import { ownClient } from './clients.js'
import { SessionHouse } from './house.js'
import { startServer } from './servers.js'

/** What programs of others make of our words: how they take them apart is known (spec 7.2), the names are ours. */
describe('programs that read our output', () => {
  const house = new SessionHouse()
  let server: ChildProcess | undefined
  const client = async (...words: string[]) =>
    (await ownClient.run('fail2ban-client', ['-c', house.config, ...words])).stdout
  const log = () => house.read('server.log')

  before(async () => {
    await build()
    server = await startServer('own', house)
    await client('set', 'web', 'banip', '203.0.113.5', '203.0.113.6', '2001:db8::5')
    await client('set', 'web', 'unbanip', '203.0.113.6')
    await client('set', 'mail', 'attempt', '203.0.113.7', 'x')
    await waitUntil(
      () => log().includes('Unban 203.0.113.6'),
      () => `the log has the unban; it has:\n${log()}`,
    )
  })
  after(() => {
    server?.kill('SIGKILL')
    house.remove()
  })

  it('find the jails and their banned addresses behind the colon', async () => {
    const behind = (text: string, name: string) =>
      text
        .split('\n')
        .find((line) => line.includes(name))
        ?.split(':')
        .slice(1)
        .join(':')
        .trim()
    assert.deepEqual(behind(await client('status'), 'Jail list:')?.split(', '), ['mail', 'web'])
    assert.deepEqual(behind(await client('status', 'web'), 'IP list:')?.split(' '), ['203.0.113.5', '2001:db8::5'])
  })

  it('find figures behind a tab', async () => {
    assert.match(await client('status'), /Number of jail:\t+2$/m)
    assert.match(await client('status'), /Jail list:\t+mail, web$/m)
    const status = await client('status', 'web')
    const figures = ['Currently failed', 'Total failed', 'Currently banned', 'Total banned'].map((name) =>
      Number(new RegExp(`${name}:\\t+(\\d+)$`, 'm').exec(status)?.[1]),
    )
    assert.deepEqual(figures, [0, 0, 2, 3])
  })

  it('find the times of a ban in its line', async () => {
    const line = /^(\S+) \t(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) \+ (-?\d+) = (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)$/
    const lines = (await client('get', 'web', 'banip', '--with-time')).trimEnd().split('\n')
    assert.deepEqual(
      lines.map((text) => [line.exec(text)?.[1], line.exec(text)?.[3]]),
      [
        ['203.0.113.5', '600'],
        ['2001:db8::5', '600'],
      ],
    )
  })

  it('find all jails in one answer', async () => {
    const all = await client('status', '--all')
    assert.match(
      all,
      /^Status\n\|- Number of jail:\t2\n\|- Jail list:\tmail, web\n`- Status for the jails:\n {3}\|- Jail: mail\n/,
    )
    assert.match(
      all,
      /\n {3}`- Jail: web\n {6}\|- Filter\n[\s\S]*\n {9}`- Banned IP list:\t203\.0\.113\.5 2001:db8::5\n$/,
    )
    const rows = (await client('stats')).split('\n').flatMap((line) => {
      const cells = line.split(/[║│]/).map((cell) => cell.trim())
      return cells[1] === 'polling' ? [cells.join(' ')] : []
    })
    assert.deepEqual(rows, ['mail polling 1 1 0 0', 'web polling 0 0 2 3'])
  })

  it('see that a reload has worked', async () => {
    assert.equal(await client('reload'), 'OK\n')
  })

  it('find bans in the log, by jail and address', () => {
    const seen = log()
      .split('\n')
      .flatMap((line) => {
        const parts = /^\S+ \S+ fail2ban\.actions\s+\[\d+\]: NOTICE\s+\[(\S+)\] (Ban|Unban) (\S+)$/.exec(line)
        return parts ? [parts.slice(1).join(' ')] : []
      })
    assert.deepEqual(seen.sort(), [
      'web Ban 2001:db8::5',
      'web Ban 203.0.113.5',
      'web Ban 203.0.113.6',
      'web Unban 203.0.113.6',
    ])
  })

  it('find nothing but bans where they look for bans', async () => {
    const bans = () =>
      log()
        .split('\n')
        .filter((line) => /NOTICE\s+\[\S+\]\s+Ban\s+\S+$/.test(line)).length
    const before = bans()
    await client('reload', '--restart', 'web')
    await waitUntil(
      () => log().includes('Restore Ban'),
      () => `bans are restored; the log has:\n${log()}`,
    )
    assert.equal(bans(), before)
  })

  const withoutPackage = existsSync('/usr/lib/python3/dist-packages/fail2ban')
    ? false
    : "Fail2ban's package is not installed"
  it("talk to the socket with Fail2ban's own module", { skip: withoutPackage }, async () => {
    const program = [
      'import sys, json',
      'from fail2ban.client.csocket import CSocket',
      'socket = CSocket(sys.argv[1])',
      'print(json.dumps([socket.send(words) for words in (["ping"], ["status"], ["status", "web"], ["get", "web", "bantime"])]))',
    ]
    const { stdout, stderr } = await runChild(['/usr/bin/python3', '-c', program.join('\n'), house.socket], {
      timeoutMs: 10_000,
    })
    assert.deepEqual(
      JSON.parse(stdout || 'null')?.slice(0, 2),
      [
        [0, 'pong'],
        [
          0,
          [
            ['Number of jail', 2],
            ['Jail list', 'mail, web'],
          ],
        ],
      ],
      stderr,
    )
    assert.match(stdout, /\["Currently banned", 2\].*\[0, 600\]\]$/m)
  })
})
