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
    const [ip, lifted] = ['198.51.100.9', '198.51.100.19']
    await hub.ban(lifted)
    await web1.untilClosed(lifted)
    await untilWritten(web1, lifted)
    await web1.daemon?.end('SIGKILL')
    await hub.ban(ip)
    await web2.untilClosed(ip)
    assert.equal((await hub.house.tocsin('unban', lifted)).exitCode, 0)
    await web2.untilOpen(lifted)
    await web1.serve()
    await web1.untilClosed(ip)
    await web1.untilOpen(lifted)
  })

  it('take back what a revoked one has told, also one that was away meanwhile', async () => {
    const ip = '198.51.100.10'
    assert.equal((await web2.house.tocsin('ban', ip, '--for', '1h')).exitCode, 0)
    await Promise.all([hub.untilClosed(ip), web1.untilClosed(ip)])
    // It comes back with the start, when nobody tells of it any more.
    await untilWritten(web1, ip)
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

/** In its database: from there it comes back with a start. */
function untilWritten({ house }: Machine, ip: string): Promise<void> {
  const isWritten = async () => (await house.why(ip)).bans.some(({ origin }) => origin !== 'unsaved')
  return waitUntil(isWritten, `${ip} is written down`)
}
