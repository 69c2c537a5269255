import assert from 'node:assert/strict'
import dgram from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Scope } from '../domain/enforcer.js'
import { runChild } from '../lib/child.js'
import type { Clock } from '../lib/clock.js'
import { Cutter, type Ended } from './cut.js'
import { everything, ip } from './firewall-kit.js'
import { enterOwnNetwork, Network } from './own-network.js'
import { World } from './test-world.js'

const skip = await enterOwnNetwork()
const ssh: Scope = { jail: 'sshd', ports: [{ first: 2200, last: 2210 }], protocols: ['tcp'] }
const { attacker4, attacker6, other4, container4 } = World

describe('connections of who is banned', { skip: skip ?? false }, () => {
  const accepted = new Set<net.Socket>()
  const ends: Ended[] = []
  const said: string[] = []
  let world: World
  let listener: net.Server
  let cutter: Cutter
  let rested: (() => void) | undefined
  let nowMs = 0

  before(async () => {
    world = await World.make([])
    listener = net.createServer((socket) => accepted.add(socket.on('error', () => {}).resume()))
    await listenOn(listener, 2200)
  })

  after(() => {
    listener.close()
    world.close()
    for (const socket of accepted) socket.destroy()
  })

  beforeEach(() => {
    ends.length = 0
    said.length = 0
    const clock: Clock = {
      now: () => ++nowMs,
      after: (_delayMs, task) => {
        rested = task
        return () => {
          rested = undefined
        }
      },
    }
    cutter = new Cutter({ clock, say: (text) => said.push(text), onCut: (ended) => ends.push(ended) })
  })

  afterEach(() => {
    cutter.release()
    assert.deepEqual(said, [])
  })

  /** A connection of the attacker that stays open. */
  async function connection(from: string, port: number, to?: string): Promise<net.Socket> {
    const host = to ?? (net.isIP(from) === 4 ? World.server4 : World.server6)
    const socket = await world.attacker.within(async () => {
      const made = net.connect({ host, port, localAddress: from })
      await once(made, 'connect')
      return made
    })
    return socket.on('error', () => {})
  }

  async function cut(text: string, scope: Scope): Promise<void> {
    cutter.cut(ip(text), scope)
    await cutter.settled()
  }

  /** A reset would have been heard by now: those of the banned were. */
  async function isAlive(socket: net.Socket): Promise<boolean> {
    await setImmediate()
    await setImmediate()
    return !socket.destroyed
  }

  for (const ip of [attacker4, attacker6])
    it(`end when ${ip} is banned; those of others, and to other ports, stay`, async () => {
      const elsewhere = net.createServer((socket) => accepted.add(socket.on('error', () => {}).resume()))
      await listenOn(elsewhere, 8080)
      const mine = [await connection(ip, 2200), await connection(ip, 2200)]
      const others = [await connection(other4, 2200), await connection(ip, 8080)]
      const closed = Promise.all(mine.map(closing))
      await cut(ip, ssh)
      await closed
      assert.deepEqual(ends, [{ sockets: 2, tracked: 0 }])
      for (const socket of others) assert.equal(await isAlive(socket), true)
      for (const socket of [...others, ...accepted]) socket.destroy()
      elsewhere.close()
    })

  it('end for everyone in a network that is banned', async () => {
    const inside = await connection(attacker4, 2200)
    const outside = await connection(other4, 2200)
    const closed = closing(inside)
    await cut('192.0.2.0/28', ssh)
    await closed
    assert.equal(await isAlive(outside), true)
    outside.destroy()
  })

  it('end in one go for thousands who are banned together, whatever came first', async () => {
    const mine = await connection(attacker6, 2200)
    const closed = closing(mine)
    for (let i = 0; i < 3000; i++) cutter.cut(ip(i === 1500 ? attacker6 : `2001:db8:77::${i.toString(16)}`), ssh)
    await cutter.settled()
    await closed
    assert.deepEqual(ends, [{ sockets: 1, tracked: 0 }])
  })

  it('end too when we began them, where every packet is kept out; and so do UDP sockets that are connected', async () => {
    const theirs = net.createServer((socket) => accepted.add(socket.on('error', () => {}).resume()))
    await world.attacker.within(async () => listenOn(theirs, 7000))
    const ours = net.connect({ host: attacker4, port: 7000 }).on('error', () => {})
    await once(ours, 'connect')
    const udp = dgram.createSocket('udp4')
    udp.connect(5353, attacker4)
    await once(udp, 'connect')
    await cut(attacker4, ssh)
    assert.deepEqual(ends, [])
    rested?.()
    const closed = closing(ours)
    await cut(attacker4, everything)
    await closed
    assert.deepEqual(ends, [{ sockets: 2, tracked: 0 }])
    udp.close()
    theirs.close()
  })

  it('wait for the rest after a look at the tables, and share the next one', async () => {
    const [first, second] = [await connection(attacker4, 2200), await connection(attacker6, 2200)]
    const closed = closing(second)
    await cut(attacker4, ssh)
    await cut(attacker6, ssh)
    await cut('2001:db8::99', ssh)
    assert.equal(ends.length, 1)
    rested?.()
    await cutter.settled()
    await closed
    assert.deepEqual(ends, [
      { sockets: 1, tracked: 0 },
      { sockets: 1, tracked: 0 },
    ])
    first.destroy()
  })

  it('are forgotten by connection tracking when they are forwarded', async () => {
    await nft('add table inet other')
    await nft('add chain inet other forward { type filter hook forward priority 0; }')
    await nft('add rule inet other forward ct state new counter')
    await world.listen(Network.current(), 22)
    const sockets = [await connection(attacker4, 22, container4), await connection(other4, 22, container4)]
    const count = () => Number(readFileSync('/proc/sys/net/netfilter/nf_conntrack_count', 'utf8'))
    const before = count()
    assert.ok(before >= 2)
    await cut(attacker4, ssh)
    assert.equal(count(), before)
    rested?.()
    await cut(attacker4, { ...ssh, ports: [{ first: 22, last: 22 }] })
    assert.equal(count(), before - 1)
    assert.deepEqual(ends, [{ sockets: 0, tracked: 1 }])
    rested?.()
    await cut('192.0.2.0/29', everything)
    rested?.()
    // Too many for the kernel to choose from: all are looked at.
    for (let i = 0; i < 20; i++) cutter.cut(ip(`203.0.113.${i}`), everything)
    await cut(`${other4}/32`, everything)
    assert.equal(count(), before - 2)
    await nft('delete table inet other')
    for (const socket of sockets) socket.destroy()
  })

  it('are let be without complaint when there are none', async () => {
    await cut('203.0.113.7', everything)
    assert.deepEqual(ends, [])
  })
})

/** NOTE: `once` of node:events would reject when the reset comes. */
function closing(socket: net.Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

async function listenOn(server: net.Server, port: number): Promise<void> {
  server.listen(port, '::')
  await once(server, 'listening')
}

async function nft(command: string): Promise<void> {
  const { exitCode, stderr } = await runChild(['nft', '-f', '-'], { stdin: `${command}\n`, timeoutMs: 5_000 })
  assert.equal(exitCode, 0, stderr)
}
