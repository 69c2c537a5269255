import assert from 'node:assert/strict'
import dgram from 'node:dgram'
import { once } from 'node:events'
import { after, before, beforeEach, describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Closure, Enforcer, RejectWith, Scope } from '../domain/enforcer.js'
import { runChild } from '../lib/child.js'
import { closure, everything, hourMs, ssh, timed, web } from './firewall-kit.js'
import { passRealTime } from './own-network.js'
import { dropsOf, World } from './test-world.js'

export interface PacketContractOptions {
  name: string
  /** Reason why it cannot run here. */
  skip: string | undefined
  make(): Enforcer
  /** Jails that reject; an enforcer that cannot leaves it out. */
  rejects?: boolean
  /** A short time for which it can close; long enough for two connections on a busy machine. */
  endsSoonMs?: number
}

const range: Scope = { jail: 'range', ports: [{ first: 1000, last: 65535 }], protocols: ['tcp'] }
const everyPort: Scope = { jail: 'tcp', ports: [{ first: 0, last: 65535 }], protocols: ['tcp'] }
const ports = [22, 79, 80, 85, 443, 999, 1000, 65535]

const { attacker4, attacker6, other4, other6, container4, container6 } = World
/** One for all enforcers of a process. */
let world: Promise<World> | undefined
after(async () => (await world)?.close())

/** What real packets must meet, whatever enforcer keeps them out. Needs a process of its own, in a network of its own. */
export function describePackets({ name, skip, make, rejects = true, endsSoonMs = 400 }: PacketContractOptions): void {
  describe(`packets of who is shut out by ${name}`, { skip: skip ?? false }, () => {
    let enforcer: Enforcer
    let around: World

    before(async () => {
      world ??= World.make(ports)
      around = await world
      enforcer = make()
    })

    after(async () => {
      await enforcer.clear()
      enforcer.release()
    })

    beforeEach(async () => {
      await enforcer.clear()
      await enforcer.arrange([ssh, web, range, everyPort, everything])
    })

    const outcome = (from: string, port: number, by: Closure, to?: string) =>
      around.connect(from, port, dropsOf(enforcer, by), to)
    const connects = async (from: string, port: number, by: Closure, to?: string) =>
      (await outcome(from, port, by, to)) === 'connected'

    for (const [from, other] of [
      [attacker4, other4],
      [attacker6, other6],
    ] as const) {
      it(`are dropped from ${from} to the jail's port, and no others`, async () => {
        const ban = closure('sshd', from)
        assert.equal(await outcome(from, 22, ban), 'connected')
        await enforcer.close([timed('sshd', from, hourMs)])
        assert.equal(await outcome(from, 22, ban), 'dropped')
        assert.equal(await outcome(from, 80, ban), 'connected')
        assert.equal(await outcome(other, 22, ban), 'connected')
        await enforcer.open([ban])
        assert.equal(await outcome(from, 22, ban), 'connected')
      })

      it(`are dropped from ${from} to each port of a list, and not to the ports beside`, async () => {
        const ban = closure('web', from)
        await enforcer.close([timed('web', from, hourMs)])
        const results = await inTurn([22, 79, 80, 85, 443, 999], (port) => connects(from, port, ban))
        assert.deepEqual(results, [true, true, false, false, false, true])
      })

      it(`are dropped from ${from} to a range up to the last port`, async () => {
        const ban = closure('range', from)
        await enforcer.close([timed('range', from, hourMs)])
        assert.deepEqual(await inTurn([999, 1000, 65535], (port) => connects(from, port, ban)), [true, false, false])
      })

      it(`are dropped from ${from} to all ports of a protocol`, async () => {
        const ban = closure('tcp', from)
        await enforcer.close([timed('tcp', from, hourMs)])
        assert.deepEqual(await inTurn([22, 79, 65535], (port) => connects(from, port, ban)), [false, false, false])
      })
    }

    for (const [network, inside, outside] of [
      ['192.0.2.0/28', attacker4, other4],
      ['2001:db8::/121', attacker6, other6],
      ['192.0.2.128/25', other4, attacker4],
    ] as const)
      it(`are dropped from everyone in ${network} to every port`, async () => {
        const ban = closure('all', network)
        await enforcer.close([timed('all', network, hourMs)])
        assert.deepEqual(await inTurn([22, 79], (port) => connects(inside, port, ban)), [false, false])
        assert.equal(await connects(outside, 22, ban), true)
      })

    it('are dropped from all the world', async () => {
      await enforcer.close([timed('sshd', '0.0.0.0/0', hourMs), timed('sshd', '::/0', hourMs)])
      assert.equal(await connects(attacker4, 22, closure('sshd', '0.0.0.0/0')), false)
      assert.equal(await connects(attacker6, 22, closure('sshd', '::/0')), false)
      assert.equal(await connects(attacker6, 80, closure('sshd', '::/0')), true)
    })

    it('are dropped by the ends of inner and outer network', async () => {
      const [outer, inner] = [closure('all', '192.0.0.0/16'), closure('all', '192.0.2.0/28')]
      await enforcer.close([timed('all', '192.0.0.0/16', endsSoonMs), timed('all', '192.0.2.0/28', hourMs)])
      assert.equal(await connects(other4, 22, outer), false)
      assert.equal(await connects(attacker4, 22, inner), false)
      await passRealTime(endsSoonMs + 100)
      assert.equal(await connects(other4, 22, outer), true)
      assert.equal(await connects(attacker4, 22, inner), false)
    })

    it('get through when the kernel finds that the time is over', async () => {
      const bans = [closure('sshd', attacker4), closure('sshd', '2001:db8::/64')] as const
      await enforcer.close(bans.map((ban) => ({ ...ban, remainingMs: endsSoonMs })))
      assert.equal(await connects(attacker4, 22, bans[0]), false)
      assert.equal(await connects(attacker6, 22, bans[1]), false)
      await passRealTime(endsSoonMs + 100)
      assert.equal(await connects(attacker4, 22, bans[0]), true)
      assert.equal(await connects(attacker6, 22, bans[1]), true)
    })

    for (const [from, to] of [
      [attacker4, container4],
      [attacker6, container6],
    ] as const)
      it(`are dropped on their way to the container ${to}`, async () => {
        const ban = closure('sshd', from)
        assert.equal(await connects(from, 22, ban, to), true)
        await enforcer.close([timed('sshd', from, hourMs)])
        assert.equal(await connects(from, 22, ban, to), false)
      })

    it('are dropped when they are pings only where everything is', async () => {
      const [everywhere, onPorts] = [closure('all', attacker4), closure('tcp', attacker4)]
      await enforcer.close([timed('tcp', attacker4, hourMs)])
      assert.equal(await around.pings(attacker4, dropsOf(enforcer, onPorts)), true)
      await enforcer.close([timed('all', attacker4, hourMs)])
      assert.equal(await around.pings(attacker4, dropsOf(enforcer, everywhere)), false)
      assert.equal(await around.pings(other4, dropsOf(enforcer, everywhere)), true)
    })

    it('are dropped when they are UDP where the jail names it, and counted by packets and bytes', async () => {
      const ban = closure('web', attacker4)
      const receiver = dgram.createSocket('udp4')
      receiver.bind(443, World.server4)
      await once(receiver, 'listening')
      const sender = await around.attacker.within(async () => {
        const socket = dgram.createSocket('udp4')
        socket.bind(0, attacker4)
        await once(socket, 'listening')
        return socket
      })
      try {
        sender.send('a', 443, World.server4)
        assert.equal(String((await once(receiver, 'message'))[0]), 'a')
        await enforcer.close([timed('web', attacker4, hourMs)])
        for (const text of ['bb', 'ccc']) sender.send(text, 443, World.server4)
        const dropsNow = dropsOf(enforcer, ban)
        let drops = await dropsNow()
        while ((drops?.packets ?? 0) < 2) {
          await setImmediate()
          drops = await dropsNow()
        }
        // IP and UDP have 28 bytes.
        assert.deepEqual(drops, { packets: 2, bytes: 28 + 2 + 28 + 3 })
        await enforcer.open([ban])
        sender.send('d', 443, World.server4)
        assert.equal(String((await once(receiver, 'message'))[0]), 'd')
      } finally {
        sender.close()
        receiver.close()
      }
    })

    it('are answered when they are rejected', { skip: !rejects }, async () => {
      const jails = answers.map((answer, i) => ({ ...answer, port: ports[i] ?? 0 }))
      const scopes = jails.map(
        ({ port, rejectWith }): Scope => ({
          jail: rejectWith,
          ports: [{ first: port, last: port }],
          protocols: ['tcp'],
          verdict: 'reject',
          rejectWith,
        }),
      )
      await enforcer.arrange(scopes)
      await enforcer.close(scopes.flatMap(({ jail }) => [attacker4, attacker6].map((ip) => timed(jail, ip, hourMs))))
      // NOTE: over so short a way the answer comes while connect(2) holds the socket, and IPv6 then heeds only that to the next try, after 1 s.
      const found = await around.answers(
        jails.flatMap(({ port }) => [
          { from: attacker4, port },
          { from: attacker6, port },
        ]),
      )
      assert.deepEqual(
        found,
        jails.flatMap(({ v4, v6 }) => [v4, v6]),
      )
    })

    it('are answered on their way to the container, and to ports of no jail', { skip: !rejects }, async () => {
      await enforcer.arrange([{ ...everything, verdict: 'reject', rejectWith: 'tcp-reset' }, ssh])
      await enforcer.close([timed('all', '192.0.2.0/25', hourMs)])
      const found = await around.answers([
        { from: attacker4, port: 22, to: container4 },
        { from: attacker4, port: 79 },
        { from: other4, port: 79 },
      ])
      assert.deepEqual(found, ['ECONNREFUSED', 'ECONNREFUSED', 'connected'])
    })

    it('are dropped and counted once where they are logged', async () => {
      await enforcer.arrange([{ ...ssh, log: { packets: 10, per: 'minute' } }])
      const ban = closure('sshd', attacker4)
      await enforcer.close([timed('sshd', attacker4, hourMs)])
      assert.equal(await outcome(attacker4, 22, ban), 'dropped')
      assert.equal((await dropsOf(enforcer, ban)())?.packets, 1)
      await enforcer.arrange([{ ...ssh, verdict: 'reject', rejectWith: 'tcp-reset' }])
      await enforcer.arrange([ssh])
      assert.equal(await outcome(attacker4, 22, ban), 'dropped')
    })

    it('are dropped while rules are arranged anew and after the enforcer is gone', async () => {
      const ban = closure('sshd', attacker4)
      await enforcer.close([timed('sshd', attacker4, hourMs)])
      await enforcer.arrange([ssh, everything])
      assert.equal(await connects(attacker4, 22, ban), false)
      enforcer.release()
      enforcer = make()
      await enforcer.arrange([ssh])
      assert.equal(await connects(attacker4, 22, ban), false)
      await enforcer.clear()
      assert.equal(await connects(attacker4, 22, ban), true)
    })

    it('are dropped while other programs flush and rewrite what is theirs', async () => {
      const ban = closure('sshd', attacker4)
      await enforcer.close([timed('sshd', attacker4, hourMs)])
      for (const [argv, stdin] of others) {
        const { exitCode, stderr } = await runChild(argv, { stdin, timeoutMs: 10_000 })
        assert.equal(exitCode, 0, `${argv.join(' ')}: ${stderr}`)
        assert.equal(await outcome(attacker4, 22, ban), 'dropped', argv.join(' '))
      }
    })
  })
}

/** What connect(2) makes of each. */
const answers: { rejectWith: RejectWith; v4: string; v6: string }[] = [
  { rejectWith: 'port-unreachable', v4: 'ECONNREFUSED', v6: 'ECONNREFUSED' },
  { rejectWith: 'tcp-reset', v4: 'ECONNREFUSED', v6: 'ECONNREFUSED' },
  { rejectWith: 'no-route', v4: 'ENETUNREACH', v6: 'ENETUNREACH' },
  { rejectWith: 'host-unreachable', v4: 'EHOSTUNREACH', v6: 'EHOSTUNREACH' },
  { rejectWith: 'admin-prohibited', v4: 'EHOSTUNREACH', v6: 'EACCES' },
]

const rules = '*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -j ACCEPT\nCOMMIT\n'
const others: (readonly [argv: string[], stdin: string])[] = [
  [['nft', '-f', '-'], 'add table inet other\nadd chain inet other c { type filter hook input priority 0; }\n'],
  [['nft', '-f', '-'], 'flush table inet other\ndelete table inet other\n'],
  [['iptables-restore'], rules],
  [['ip6tables-restore'], rules],
  [['iptables', '-F'], ''],
]

async function inTurn<T, R>(list: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (const one of list) results.push(await work(one))
  return results
}
