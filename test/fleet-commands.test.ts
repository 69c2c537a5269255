import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { before, describe, it } from 'node:test'
import type { FleetUnbanOutcome, FleetView } from '../src/api/fleet-operations.js'
import type { AuditLine } from '../src/fleet/audit-entry.js'
import { brokerAccess } from '../src/fleet/enrolment/broker-access.js'
import { FleetDir } from '../src/fleet/enrolment/fleet-dir.js'
import { freePort } from '../src/fleet/nats/broker-kit.js'
import { withoutServer } from '../src/fleet/nats/server-kit.js'
import { inboxOf } from '../src/fleet/nats/subjects.js'
import { Wire } from '../src/fleet/nats/wire.js'
import { systemClock } from '../src/lib/clock.js'
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

/** A way to the broker with the card of that machine. */
async function wireOf(house: House): Promise<Wire> {
  const { servers, tls, credentials } = brokerAccess(new FleetDir(house.config))
  const wire = new Wire({ servers, tls, credentials, name: 'evil', inboxPrefix: inboxOf('web'), clock: systemClock })
  await wire.start({ onConnected: () => {}, onDisconnected: () => {} })
  return wire
}

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

  it('let a script say --yes to whatever changes something', async () => {
    for (const name of ['init', 'invite', 'join', 'revoke', 'release', 'mode', 'unban', 'drill']) {
      const { stdout } = await hub.tocsin('fleet', name, '--help')
      assert.match(stdout, /\[--yes\]/, name)
    }
    assert.equal(await hub.tocsin('fleet', 'mode', 'enforce', '--yes').then(({ exitCode }) => exitCode), 0)
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

  it('count what others have told, and have in their metrics what the manual names of a fleet', async () => {
    const evil = 'bans.web.4.203.0.113.78'
    const wire = await wireOf(web)
    wire.send(evil, 'nonsense')
    await wire.flush()
    const heard = async () => (await hub.json<FleetView>('fleet', 'status')).heard
    await waitUntil(async () => (await heard()).refused.unsigned === 1, 'the refusal is counted')
    assert.ok((await heard()).accepted >= 1)
    assert.match(await good(hub, 'status'), /^Refused since the start: 1 unsigned; see tocsin fleet log --refused$/m)
    assert.match(await good(hub, 'log', '--refused'), /refused .*bans\.web\.4\.203\.0\.113\.78 \(unsigned/)
    await wire.close()
    const manual = readFileSync(path.join(import.meta.dirname, '../docs/metrics.md'), 'utf8')
    const { stdout: text } = await hub.tocsin('metrics')
    const given = [...text.matchAll(/^# TYPE (tocsin_fleet_\S+) /gm)].map(([, name]) => name)
    const table = [...manual.matchAll(/^\| `(tocsin_fleet_\w+)/gm)].map(([, name]) => name)
    assert.deepEqual(given.sort(), table.sort())
    assert.match(text, /^tocsin_fleet_connected 1$/m)
    assert.match(text, /^tocsin_fleet_members 2$/m)
    assert.match(text, /^tocsin_fleet_heard_total\{outcome="refused",reason="unsigned"\} 1$/m)
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
