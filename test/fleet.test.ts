import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { before, describe, it } from 'node:test'
import { withoutServer } from '../src/fleet/nats/server-kit.js'
import { failures } from './kit/daemon-kit.js'
import { Bridge, type Machine, threeMachines } from './kit/fleet-machines.js'
import { withoutNetwork } from './kit/two-hosts.js'
import { waitUntil } from './kit/wait-until.js'

describe('three machines, one bell', { skip: withoutNetwork || withoutServer }, () => {
  let hub: Machine
  let web1: Machine
  let web2: Machine

  before(async () => {
    ;[hub, web1, web2] = await threeMachines(await Bridge.make())
  })

  it('ban what one of them bans, and let in whom it lets in', async () => {
    const ip = '198.51.100.7'
    web1.house.append(failures(ip, 3))
    await web1.untilClosed(ip, 'sshd')
    await Promise.all([hub.untilClosed(ip), web2.untilClosed(ip)])
    assert.equal((await web1.house.tocsin('unban', ip)).exitCode, 0)
    await Promise.all([hub, web1, web2].map((machine) => machine.untilOpen(ip)))
  })

  it('lose nothing when the broker is killed', async () => {
    const ip = '198.51.100.8'
    const broker = Number(readFileSync(hub.house.at('config/fleet/nats-server.pid'), 'utf8'))
    process.kill(broker, 'SIGKILL')
    web2.house.append(failures(ip, 3))
    await web2.untilClosed(ip, 'sshd')
    await Promise.all([hub.untilClosed(ip), web1.untilClosed(ip)])
  })

  it('tell one that was away what it has missed', async () => {
    const ip = '198.51.100.9'
    await web1.daemon?.end('SIGKILL')
    assert.equal((await hub.house.tocsin('ban', ip, '--for', '1h')).exitCode, 0)
    await web2.untilClosed(ip)
    await web1.serve()
    await web1.untilClosed(ip)
  })

  it('take back what a revoked one has told, also one that was away meanwhile', async () => {
    const ip = '198.51.100.10'
    assert.equal((await web2.house.tocsin('ban', ip, '--for', '1h')).exitCode, 0)
    await Promise.all([hub.untilClosed(ip), web1.untilClosed(ip)])
    // In its database as well: from there it comes back with the start, when nobody tells of it any more.
    await waitUntil(
      async () => (await web1.house.why(ip)).bans.some(({ origin }) => origin !== 'unsaved'),
      'it is written down',
    )
    await web1.daemon?.end('SIGKILL')
    await hub.fleet('revoke', 'web2')
    await hub.untilOpen(ip)
    await web1.serve()
    await web1.untilOpen(ip)
    assert.equal((await web1.table()).includes(ip), false)
    assert.ok(
      (await web1.house.bans()).some((ban) => ban.ip === '198.51.100.9'),
      'others still count',
    )
  })
})
