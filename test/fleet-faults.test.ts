import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { withoutServer } from '../src/fleet/nats/server-kit.js'
import { failures } from './kit/daemon-kit.js'
import { Bridge, type Machine, threeMachines } from './kit/fleet-machines.js'
import { withoutNetwork } from './kit/two-hosts.js'

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
})
