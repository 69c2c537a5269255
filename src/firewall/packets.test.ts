import assert from 'node:assert/strict'
import dgram from 'node:dgram'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import net from 'node:net'
import { after, before, beforeEach, describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Closure, Enforcer, Scope } from '../domain/enforcer.js'
import { systemClock } from '../lib/clock.js'
import { closure, timed } from './enforcer-contract.js'
import { KernelEnforcer } from './kernel.js'
import { enterOwnNetwork, Network, passRealTime } from './own-network.js'

const skip = await enterOwnNetwork()
const hourMs = 3_600_000
const ssh: Scope = { jail: 'sshd', ports: [{ first: 22, last: 22 }], protocols: ['tcp'] }
const web: Scope = {
  jail: 'web',
  ports: [
    { first: 80, last: 90 },
    { first: 443, last: 443 },
  ],
  protocols: ['tcp', 'udp'],
}
const range: Scope = { jail: 'range', ports: [{ first: 1000, last: 65535 }], protocols: ['tcp'] }
const everyPort: Scope = { jail: 'tcp', ports: [{ first: 0, last: 65535 }], protocols: ['tcp'] }
const everything: Scope = { jail: 'all', ports: 'all', protocols: ['tcp'] }

/** An attacker with addresses of both families, this server, and a container behind it. */
describe('packets of who is shut out', { skip: skip ?? false }, () => {
  const open: { close(): unknown }[] = []
  let enforcer: Enforcer
  let server: Network
  let attacker: Network
  let container: Network
  const attackers = { v4: '192.0.2.7', v6: '2001:db8::7', other4: '192.0.2.200', other6: '2001:db8::200' }

  before(async () => {
    server = Network.current()
    attacker = Network.another()
    container = Network.another()
    await server.ip(
      `link add outside type veth peer name out netns ${attacker.path}`,
      `link add inside type veth peer name in netns ${container.path}`,
      'addr add 192.0.2.1/24 dev outside',
      'addr add 2001:db8::1/64 dev outside nodad',
      'addr add 198.51.100.1/24 dev inside',
      'link set outside up',
      'link set inside up',
    )
    await attacker.ip(
      ...['192.0.2.7/24', '192.0.2.200/24'].map((address) => `addr add ${address} dev out`),
      ...['2001:db8::7/64', '2001:db8::200/64'].map((address) => `addr add ${address} dev out nodad`),
      'link set out up',
      'route add 198.51.100.0/24 via 192.0.2.1',
    )
    await container.ip('addr add 198.51.100.2/24 dev in', 'link set in up', 'route add default via 198.51.100.1')
    writeFileSync('/proc/sys/net/ipv4/ip_forward', '1')
    for (const port of [22, 79, 80, 85, 443, 999, 1000, 65535]) open.push(await listen(server, port))
    open.push(await listen(container, 22))
    enforcer = new KernelEnforcer({ clock: systemClock })
  })

  after(async () => {
    await enforcer.clear()
    enforcer.release()
    for (const one of open) one.close()
  })

  beforeEach(async () => {
    await enforcer.clear()
    await enforcer.arrange([ssh, web, range, everyPort, everything])
  })

  /** Whether a connection is made; if not, the closure must have counted its packets. */
  const connects = (from: string, port: number, by: Closure, to = net.isIP(from) === 4 ? '192.0.2.1' : '2001:db8::1') =>
    attacker.within(async () => {
      const before = (await enforcer.drops(by))?.packets ?? 0
      const socket = net.connect({ host: to, port, localAddress: from })
      let outcome: boolean | undefined
      socket.on('connect', () => {
        outcome = true
      })
      socket.on('error', () => {
        outcome = false
      })
      while (outcome === undefined) {
        const drops = await enforcer.drops(by)
        if (drops !== undefined && drops.packets > before) outcome = false
        await setImmediate()
      }
      socket.destroy()
      return outcome
    })

  for (const [from, other] of [
    [attackers.v4, attackers.other4],
    [attackers.v6, attackers.other6],
  ] as const) {
    it(`drops those of ${from} to the jail's port, and no others`, async () => {
      const ban = closure('sshd', from)
      assert.equal(await connects(from, 22, ban), true)
      await enforcer.close([timed('sshd', from, hourMs)])
      assert.equal(await connects(from, 22, ban), false)
      assert.equal(await connects(from, 80, ban), true)
      assert.equal(await connects(other, 22, ban), true)
      await enforcer.open([ban])
      assert.equal(await connects(from, 22, ban), true)
    })

    it(`drops those of ${from} to each port of a list, and not to the ports beside`, async () => {
      const ban = closure('web', from)
      await enforcer.close([timed('web', from, hourMs)])
      const results = await inTurn([22, 79, 80, 85, 443, 999], (port) => connects(from, port, ban))
      assert.deepEqual(results, [true, true, false, false, false, true])
    })

    it(`drops those of ${from} to a range up to the last port`, async () => {
      const ban = closure('range', from)
      await enforcer.close([timed('range', from, hourMs)])
      assert.deepEqual(await inTurn([999, 1000, 65535], (port) => connects(from, port, ban)), [true, false, false])
    })

    it(`drops those of ${from} to all ports of a protocol`, async () => {
      const ban = closure('tcp', from)
      await enforcer.close([timed('tcp', from, hourMs)])
      assert.deepEqual(await inTurn([22, 79, 65535], (port) => connects(from, port, ban)), [false, false, false])
    })
  }

  for (const [network, inside, outside] of [
    ['192.0.2.0/28', attackers.v4, attackers.other4],
    ['2001:db8::/121', attackers.v6, attackers.other6],
    ['192.0.2.128/25', attackers.other4, attackers.v4],
  ] as const)
    it(`drops those of everyone in ${network} to every port`, async () => {
      const ban = closure('all', network)
      await enforcer.close([timed('all', network, hourMs)])
      assert.deepEqual(await inTurn([22, 79], (port) => connects(inside, port, ban)), [false, false])
      assert.equal(await connects(outside, 22, ban), true)
    })

  it('drops those of all the world', async () => {
    await enforcer.close([timed('sshd', '0.0.0.0/0', hourMs), timed('sshd', '::/0', hourMs)])
    assert.equal(await connects(attackers.v4, 22, closure('sshd', '0.0.0.0/0')), false)
    assert.equal(await connects(attackers.v6, 22, closure('sshd', '::/0')), false)
    assert.equal(await connects(attackers.v6, 80, closure('sshd', '::/0')), true)
  })

  it('drops inner and outer network by their own ends', async () => {
    const [outer, inner] = [closure('all', '192.0.0.0/16'), closure('all', '192.0.2.0/28')]
    await enforcer.close([timed('all', '192.0.0.0/16', 150), timed('all', '192.0.2.0/28', hourMs)])
    assert.equal(await connects(attackers.other4, 22, outer), false)
    assert.equal(await connects(attackers.v4, 22, inner), false)
    await passRealTime(250)
    assert.equal(await connects(attackers.other4, 22, outer), true)
    assert.equal(await connects(attackers.v4, 22, inner), false)
  })

  it('lets through who is shut out, when the kernel finds that the time is over', async () => {
    const bans = [closure('sshd', attackers.v4), closure('sshd', '2001:db8::/64')] as const
    await enforcer.close(bans.map((ban) => ({ ...ban, remainingMs: 150 })))
    assert.equal(await connects(attackers.v4, 22, bans[0]), false)
    assert.equal(await connects(attackers.v6, 22, bans[1]), false)
    await passRealTime(250)
    assert.equal(await connects(attackers.v4, 22, bans[0]), true)
    assert.equal(await connects(attackers.v6, 22, bans[1]), true)
  })

  it('drops what is forwarded to a container', async () => {
    const ban = closure('sshd', attackers.v4)
    assert.equal(await connects(attackers.v4, 22, ban, '198.51.100.2'), true)
    await enforcer.close([timed('sshd', attackers.v4, hourMs)])
    assert.equal(await connects(attackers.v4, 22, ban, '198.51.100.2'), false)
  })

  it('drops UDP where the jail names it, and counts packets and bytes', async () => {
    const ban = closure('web', attackers.v4)
    const receiver = dgram.createSocket('udp4')
    receiver.bind(443, '192.0.2.1')
    await once(receiver, 'listening')
    const sender = await attacker.within(async () => {
      const socket = dgram.createSocket('udp4')
      socket.bind(0, attackers.v4)
      await once(socket, 'listening')
      return socket
    })
    try {
      sender.send('a', 443, '192.0.2.1')
      assert.equal(String((await once(receiver, 'message'))[0]), 'a')
      await enforcer.close([timed('web', attackers.v4, hourMs)])
      for (const text of ['bb', 'ccc']) sender.send(text, 443, '192.0.2.1')
      let drops = await enforcer.drops(ban)
      while ((drops?.packets ?? 0) < 2) {
        await setImmediate()
        drops = await enforcer.drops(ban)
      }
      // IP and UDP have 28 bytes.
      assert.deepEqual(drops, { packets: 2, bytes: 28 + 2 + 28 + 3 })
      await enforcer.close([timed('web', attackers.v4, 2 * hourMs)])
      assert.deepEqual(await enforcer.drops(ban), drops, 'a longer ban keeps its count')
      await enforcer.open([ban])
      sender.send('d', 443, '192.0.2.1')
      assert.equal(String((await once(receiver, 'message'))[0]), 'd')
    } finally {
      sender.close()
      receiver.close()
    }
  })

  it('goes on dropping while rules are arranged anew and after the enforcer is gone', async () => {
    const ban = closure('sshd', attackers.v4)
    await enforcer.close([timed('sshd', attackers.v4, hourMs)])
    await enforcer.arrange([ssh, everything])
    assert.equal(await connects(attackers.v4, 22, ban), false)
    enforcer.release()
    enforcer = new KernelEnforcer({ clock: systemClock })
    await enforcer.arrange([ssh])
    assert.equal(await connects(attackers.v4, 22, ban), false)
    await enforcer.clear()
    assert.equal(await connects(attackers.v4, 22, ban), true)
  })
})

async function listen(network: Network, port: number): Promise<net.Server> {
  return network.within(async () => {
    const listener = net.createServer((socket) => {
      socket.on('error', () => {})
      socket.end()
    })
    listener.listen(port, '::')
    await once(listener, 'listening')
    return listener
  })
}

async function inTurn<T, R>(list: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (const one of list) results.push(await work(one))
  return results
}
