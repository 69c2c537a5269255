import { before, describe, it } from 'node:test'
import { withoutServer } from '../src/fleet/nats/server-kit.js'
import { atTheEnd } from './kit/daemon-kit.js'
import { Bridge, type Machine, threeMachines } from './kit/fleet-machines.js'
import { HostileMember } from './kit/hostile-member.js'
import { withoutNetwork } from './kit/two-hosts.js'

describe('a fleet', { skip: withoutNetwork || withoutServer }, () => {
  let hub: Machine
  let web1: Machine
  let web2: Machine
  let bridge: Bridge

  before(async () => {
    bridge = await Bridge.make()
    ;[hub, web1, web2] = await threeMachines(bridge)
  })

  it('is not held up by a machine that does not read: the broker cuts it off, and it catches up', async () => {
    const taken = await bridge.machine()
    await taken.join(hub, 'evil')
    for (const machine of [hub, web1, web2]) await machine.untilSaid('evil is in the fleet')
    const evil = await HostileMember.on(taken)
    atTheEnd(() => evil.close())
    const ips = [1, 2, 3].map((n) => `198.51.100.${20 + n}`)
    const connections = web2.house.read().split('Connected to the fleet').length - 1
    web2.daemon?.signal('SIGSTOP')
    // More than the kernel has room for on the way: what the broker cannot write for ten seconds ends it (nats/server-config).
    for (let n = 0; n < 80; n++) await evil.send('bans.evil.noise', Buffer.alloc(500 * 1024))
    await web1.ban(...ips)
    for (const ip of ips) await hub.untilClosed(ip)
    await hub.untilSaid(/nats-server: .*Slow Consumer/)
    web2.daemon?.signal('SIGCONT')
    await web2.untilConnected(connections + 1)
    for (const ip of ips) await web2.untilClosed(ip)
  })
})
