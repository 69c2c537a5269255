import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import type { FleetUnbanOutcome, FleetView } from '../src/api/fleet-operations.js'
import type { AuditLine } from '../src/fleet/audit-entry.js'
import { freePort } from '../src/fleet/nats/broker-kit.js'
import { withoutServer } from '../src/fleet/nats/server-kit.js'
import { type DaemonProcess, failures, House, onlySshd } from './kit/daemon-kit.js'
import { waitUntil } from './kit/wait-until.js'

const jails = `${onlySshd()}
[fleet]
enabled = true
backend = fleet
maxretry = 1
findtime = 30m
bantime = 30m
`

async function good(house: House, ...words: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await house.tocsin('fleet', ...words)
  assert.equal(exitCode, 0, stdout + stderr)
  return stdout
}

async function refused(house: House, words: string[], wanted: RegExp): Promise<void> {
  const { exitCode, stderr } = await house.tocsin('fleet', ...words)
  assert.notEqual(exitCode, 0)
  assert.match(stderr, wanted)
}

describe('two machines of a fleet', { skip: withoutServer }, () => {
  const ip = '203.0.113.77'
  let hub: House
  let web: House
  let webDaemon: DaemonProcess

  before(async () => {
    hub = new House({ jails })
    web = new House({ jails })
    const port = await freePort()
    await good(hub, 'init', '--listen', `127.0.0.1:${port}`, '--name', 'hub', '--fleet', 'test', '--yes')
    await hub.serve('--simulate')
    const token = (await good(hub, 'invite', 'web')).trimEnd().split('\n').at(-1) ?? ''
    await good(web, 'join', token)
    webDaemon = await web.serve('--simulate')
    await Promise.all([hub, web].map((house) => house.untilLogged('Connected to the fleet test')))
  })

  it('tell who is in it, and how much each has told', async () => {
    web.append(failures(ip, 3))
    await web.untilBanned(ip, 'sshd')
    await hub.untilBanned(ip, 'fleet')
    const view = await hub.json<FleetView>('fleet', 'status')
    assert.equal(view.connected, true)
    assert.match(view.server ?? '', /^\d+\.\d+/)
    assert.deepEqual(
      view.members.map(({ name, level, words, revokedAtMs, quarantine }) => [
        name,
        level,
        words,
        revokedAtMs,
        quarantine,
      ]),
      [
        ['hub', 'own', 0, null, null],
        ['web', 'own', 1, null, null],
      ],
    )
    const [self, other] = view.members
    assert.equal(self?.lastHeardMs, null)
    assert.ok(Math.abs(Date.now() - (other?.lastHeardMs ?? 0)) < 600_000)
    assert.ok(Math.abs(Date.now() - (other?.sinceMs ?? 0)) < 600_000)
    const text = await good(web, 'status')
    assert.match(text, /^Fleet test as web: connected to \S+ \(nats-server \d/)
    assert.match(text, /^web +own .* this machine$/m)
  })

  it('have on record what was told', async () => {
    await waitUntil(async () => (await good(hub, 'log')).includes(ip), 'the ban is on record')
    const [line, ...more] = await hub.json<AuditLine[]>('fleet', 'log', '--node', 'web')
    assert.deepEqual(more, [])
    assert.deepEqual([line?.outcome, line?.kind, line?.ip, line?.jail], ['accepted', 'ban', ip, 'sshd'])
    assert.match(await good(hub, 'log', '-n', '1', '--node', 'web'), /accepted web ban 203\.0\.113\.77 in sshd until /)
    assert.match(await good(hub, 'log', '--refused'), /^Nothing of that kind/)
    await refused(hub, ['log', '-n', 'x'], /-n x is no number of lines/)
    await refused(new House(), ['log'], /in no fleet/)
  })

  it('let only the operator lift for all', async () => {
    await refused(web, ['unban', ip], /There is no operator's key in .*: do this on the machine where/)
    await refused(hub, ['unban', 'nonsense'], /"nonsense" is neither an address nor a network/)
    assert.ok(await web.isBanned(ip))
    const outcome = await hub.json<FleetUnbanOutcome>('fleet', 'unban', ip)
    assert.deepEqual(outcome.bans, [{ node: 'web', jail: 'sshd' }])
    assert.ok(!(await hub.isBanned(ip)))
    await web.untilFree(ip)
    const isOnRecord = async () => (await good(web, 'log', '--node', 'operator')).includes(`unban ${ip}`)
    await waitUntil(isOnRecord, 'the lift is on record')
    assert.match(await good(hub, 'unban', ip), /is lifted in the whole fleet; nobody was known to ban it/)
  })

  it('ban anew what comes back, and a restart, which hears the lift again, does not end that', async () => {
    web.append(failures(ip, 3))
    await web.untilBanned(ip, 'sshd')
    await hub.untilBanned(ip, 'fleet')
    await webDaemon.end()
    const again = await web.serve('--simulate')
    await waitUntil(async () => {
      const { members } = await web.json<FleetView>('fleet', 'status')
      const lines = await web.json<AuditLine[]>('fleet', 'log', '--node', 'operator')
      return members.length === 2 && lines.filter((line) => line.kind === 'unban').length >= 3
    }, 'the lift is heard again')
    assert.ok(await web.isBanned(ip, 'sshd'), web.read())
    assert.ok(await hub.isBanned(ip, 'fleet'), hub.read())
    await again.end()
  })
})
