import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { before, describe, it } from 'node:test'
import { ask } from '../src/api/client.js'
import type { FleetReleaseOutcome, FleetView } from '../src/api/fleet-operations.js'
import { freePort } from '../src/fleet/nats/broker-kit.js'
import { withoutServer } from '../src/fleet/nats/server-kit.js'
import { atTheEnd, type DaemonProcess, House, onlySshd } from './kit/daemon-kit.js'
import { fleetJail } from './kit/fleet-machines.js'
import { waitUntil } from './kit/wait-until.js'

const addresses = Array.from({ length: 8 }, (_, n) => `198.51.100.${n + 1}`)
const canary = '203.0.113.200'

describe('a member that goes beyond its limits', { skip: withoutServer }, () => {
  const [hub, web1] = [
    new House({ jails: `${onlySshd()}${fleetJail}` }),
    new House({ jails: `${onlySshd()}${fleetJail}` }),
  ]
  let hubDaemon: DaemonProcess

  const good = async (house: House, ...words: string[]) => {
    const { exitCode, stdout, stderr } = await house.tocsin(...words)
    assert.equal(exitCode, 0, stdout + stderr)
    return stdout
  }
  const start = async (house: House) => {
    const daemon = await house.serve('--simulate')
    atTheEnd(() => daemon.end())
    return daemon
  }
  const member = async () => {
    const { members } = await ask<FleetView>(hub.socket, '/v1/fleet')
    return members.find(({ name }) => name === 'web1')
  }
  const untilIn = async (count: number) => {
    const banned = async () => (await hub.bans()).filter(({ jail }) => jail === 'fleet').length
    await waitUntil(
      async () => (await banned()) === count,
      () => `${count} are banned by the fleet; the log:\n${hub.read()}`,
    )
  }
  const untilHeld = (cause: string) =>
    waitUntil(
      async () => (await member())?.quarantine?.cause === cause,
      () => `web1 is in quarantine (${cause}); the log:\n${hub.read()}`,
    )

  before(async () => {
    const listen = `127.0.0.1:${await freePort()}`
    await good(hub, 'fleet', 'init', '--yes', '--listen', listen, '--name', 'hub', '--fleet', 'test')
    hub.append('limits = own rate=1\n', 'config/tocsin.local')
    hubDaemon = await start(hub)
    const token = (await good(hub, 'fleet', 'invite', 'web1')).trimEnd().split('\n').at(-1) ?? ''
    await good(web1, 'fleet', 'join', token)
    await start(web1)
    await web1.untilLogged('Connected to the fleet')
    await hub.untilLogged('web1 is in the fleet')
    // What comes by a catch-up was told at any time: no rate counts there.
    await hub.untilLogged('What was told meanwhile is known')
  })

  it('is put into quarantine: what is beyond has no effect', async () => {
    await good(web1, 'ban', ...addresses, '--for', '1h')
    await untilHeld('rate')
    await untilIn(5)
    assert.match(await good(hub, 'fleet', 'status'), /web1 .*in quarantine \(rate\) until/)
  })

  it('stays there when the machine that judges it is killed and started again', async () => {
    await hubDaemon.end('SIGKILL')
    await start(hub)
    await hub.untilLogged(/Connected to the fleet[\s\S]*Connected to the fleet/)
    await waitUntil(
      async () => (await member())?.words === addresses.length,
      () => `all words are known again; the log:\n${hub.read()}`,
    )
    assert.equal((await member())?.quarantine?.cause, 'rate')
    await untilIn(5)
  })

  it('has effect again when an operator releases it, and that is on record', async () => {
    const outcome: FleetReleaseOutcome = JSON.parse(await good(hub, 'fleet', 'release', 'web1', '--json'))
    assert.deepEqual([outcome.quarantine?.cause, outcome.words], ['rate', addresses.length])
    await untilIn(addresses.length)
    assert.match(await good(hub, 'fleet', 'release', 'web1'), /web1 is not in quarantine here/)
    await waitUntil(async () => /released/.test(await good(hub, 'fleet', 'log')), 'the release is on record')
    const log = await good(hub, 'fleet', 'log', '--node', 'web1')
    assert.match(log, /quarantined web1 \(rate\)[\s\S]*released web1 \(an operator of this machine has released it\)/)
    const { exitCode, stderr } = await hub.tocsin('fleet', 'release', 'nobody')
    assert.equal(exitCode, 1)
    assert.match(stderr, /"nobody" is not in the fleet; 'tocsin fleet status' lists who is/)
  })

  it('loses the effect of all it has told when it bans a canary again, which a reload has named', async () => {
    const own = readFileSync(hub.at('config/tocsin.local'), 'utf8')
    hub.write('config/tocsin.local', `${own.replace('rate=1', 'rate=600')}canaries = ${canary}\n`)
    await good(hub, 'reload')
    await good(web1, 'ban', canary)
    await waitUntil(async () => (await member())?.mistrustedUntilMs !== null, 'it is mistrusted')
    assert.match(await good(hub, 'fleet', 'status'), /web1 .*counts only with others until .* \(canary\)/)
    await untilIn(addresses.length)
    await good(web1, 'unban', canary)
    await good(web1, 'ban', canary)
    await untilHeld('canary')
    await untilIn(0)
    assert(!(await hub.isBanned(canary)))
    await good(hub, 'fleet', 'release', 'web1')
    await untilIn(addresses.length)
  })
})
