import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { ask } from '../src/api/client.js'
import { withoutServer } from '../src/fleet/nats/server-kit.js'
import { failures } from './kit/daemon-kit.js'
import { Bridge, type Machine, threeMachines } from './kit/fleet-machines.js'
import { withoutNetwork } from './kit/two-hosts.js'
import { waitUntil } from './kit/wait-until.js'

const brief = process.env.TOCSIN_LONG_TESTS === undefined && 'takes a minute; TOCSIN_LONG_TESTS=1 runs it'

describe('a fleet', { skip: withoutNetwork || withoutServer }, () => {
  let hub: Machine
  let web1: Machine
  let web2: Machine

  before(async () => {
    ;[hub, web1, web2] = await threeMachines(await Bridge.make())
  })

  it('waits for nobody who hangs, and he catches up', async () => {
    const ip = '198.51.100.1'
    web2.daemon?.signal('SIGSTOP')
    web1.house.append(failures(ip, 3))
    await web1.untilClosed(ip, 'sshd')
    await hub.untilClosed(ip)
    web2.daemon?.signal('SIGCONT')
    await web2.untilClosed(ip)
  })

  it('bans on while one is cut off, who tells what it kept and hears what it missed', async () => {
    const [kept, missed] = ['198.51.100.2', '198.51.100.3']
    await web1.cut()
    web1.house.append(failures(kept, 3))
    await web1.untilClosed(kept, 'sshd')
    await hub.ban(missed)
    await web2.untilClosed(missed)
    await web1.untilSaid('No way to the others')
    assert.equal(await hub.house.isBanned(kept), false)
    await web1.mend()
    await Promise.all([web1.untilClosed(missed), hub.untilClosed(kept), web2.untilClosed(kept)])
  })

  it('has everything again after one was cut off for a minute, with bans on both sides all the time', {
    skip: brief,
    timeout: 180_000,
  }, async () => {
    const kept: string[] = []
    const missed: string[] = []
    await web1.cut()
    for (let second = 0; second < 60; second++) {
      kept.push(`203.0.113.${1 + second}`)
      missed.push(`203.0.113.${101 + second}`)
      await ban(web1, kept.at(-1) ?? '')
      await ban(hub, missed.at(-1) ?? '')
      await pause(1000)
    }
    assert.match(web1.house.read(), /No way to the others/)
    assert.equal(await hub.house.isBanned(kept[0] ?? ''), false)
    await web1.mend()
    for (const ip of missed) await web1.untilClosed(ip)
    for (const ip of kept) await Promise.all([hub.untilClosed(ip), web2.untilClosed(ip)])
    for (const { house } of [hub, web1, web2]) {
      const bans = () => house.read().match(/\[fleet\] Ban 203\.0\.113\.\S+/g) ?? []
      // Who bans himself hears of it as the others do.
      await waitUntil(
        () => new Set(bans()).size === kept.length + missed.length,
        () => `the log has all of them; it has:\n${house.read()}`,
      )
      assert.equal(bans().length, kept.length + missed.length, 'nobody is banned twice')
    }
  })
})

function ban({ house }: Machine, ip: string): Promise<unknown> {
  return ask(house.socket, '/v1/bans', { ips: [ip], durationMs: 3_600_000 })
}
