import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../lib/clock.js'
import { Broker, noBroker } from './broker-kit.js'
import { banOf, FleetKit, NodeKit, spreadIp } from './node-kit.js'
import { publishKept } from './streams.js'
import { type Arrived, Wire } from './wire.js'

describe('the fleet by NATS', { skip: noBroker ?? false }, () => {
  let broker: Broker
  before(async () => {
    broker = await Broker.start()
  })
  after(() => broker.end())

  const start = (name: string, fleet: FleetKit) => new NodeKit(name, [broker.url], fleet).start()

  it('brings what one node says to all, itself included', async () => {
    const fleet = new FleetKit()
    const [a, b] = [await start('a1', fleet), await start('b1', fleet)]
    a.say(banOf('203.0.113.9'))
    await b.until(() => b.heard.has('a1 203.0.113.9'))
    await a.until(() => a.heard.has('a1 203.0.113.9'))
    await a.until(() => a.rows.length === 0)
    assert.deepEqual(a.foreign, [])
    await Promise.all([a.close(), b.close()])
  })

  it('says once that the broker is an old one', async () => {
    const a = await start('a2', new FleetKit())
    const warnings = a.logged.filter((line) => line.startsWith('WARNING') && line.includes('nats-server'))
    assert.equal(warnings.length, /"2\.(9|10)\./.test(warnings.join()) ? 1 : 0)
    await a.close()
  })

  it('keeps what it cannot tell, goes on by itself when the broker is back from a crash, and tells everything once', async () => {
    const fleet = new FleetKit()
    const [a, b] = [await start('a3', fleet), await start('b3', fleet)]
    a.say(banOf('203.0.113.1'))
    await b.until(() => b.heard.size === 1)
    await broker.kill()
    await a.until(() => a.losses === 1)
    a.say(banOf('203.0.113.2'), banOf('203.0.113.3'))
    await broker.start()
    await b.until(() => b.heard.has('a3 203.0.113.2') && b.heard.has('a3 203.0.113.3'))
    await a.until(() => a.rows.length === 0)
    assert.equal(b.heard.size, 3)
    await Promise.all([a.close(), b.close()])
  })

  it('lets a node that comes later have everything by a snapshot, and what came after it', async () => {
    const fleet = new FleetKit()
    const a = await start('a4', fleet)
    a.say(...Array.from({ length: 3000 }, (_, i) => banOf(spreadIp(i))))
    await a.until(() => a.rows.length === 0)
    await a.transport.snapshot()
    a.say(banOf('203.0.113.77'))
    await a.until(() => a.rows.length === 0)
    const b = await start('b4', fleet)
    assert.equal([...b.heard.keys()].filter((place) => place.startsWith('a4')).length, 3001)
    assert.deepEqual(b.heard.get(`a4 ${spreadIp(7)}`), a.said[7])
    assert.deepEqual(
      b.refused.filter((line) => line.startsWith('bans.a4')),
      [],
    )
    await Promise.all([a.close(), b.close()])
  })

  it('does not believe a snapshot that its node has not signed, and reads its words one by one', async () => {
    const fleet = new FleetKit()
    const a = await start('a5', fleet)
    a.say(banOf('203.0.113.5'))
    await a.until(() => a.rows.length === 0)
    await a.transport.snapshot()
    const wire = new Wire({ servers: [broker.url], name: 'mallory', clock: systemClock })
    await wire.start({ onConnected: () => {}, onDisconnected: () => {} })
    for (const set of ['a', 'b'])
      await publishKept(wire, { subject: `snap.a5.${set}.00000`, body: Buffer.alloc(200, 1) })
    const b = await start('b5', fleet)
    assert(b.heard.has('a5 203.0.113.5'))
    assert(b.logged.some((line) => line.includes('The snapshot of a5 at the broker is not signed by it')))
    await Promise.all([a.close(), b.close(), wire.close()])
  })

  it('finds out by the next heartbeat that words of a node were lost, and fetches them', async () => {
    const fleet = new FleetKit()
    const [a, b] = [await start('a11', fleet), await start('b11', fleet)]
    a.say(banOf('203.0.113.1'))
    await b.until(() => b.heard.has('a11 203.0.113.1'))
    b.isDeaf = true
    a.say(banOf('203.0.113.2'))
    await a.until(() => a.rows.length === 0)
    // The broker has it, and has sent it to all; a heartbeat that was on its way before it says nothing of it.
    await a.until(() => a.heard.has('a11 203.0.113.2'))
    await a.transport.snapshot()
    await b.until(() => b.gapsOf.includes('a11') && b.heard.has('a11 203.0.113.2'))
    await Promise.all([a.close(), b.close()])
  })

  it('does not have others look for what it is yet to tell', async () => {
    const fleet = new FleetKit()
    const [a, b] = [await start('a9', fleet), await start('b9', fleet)]
    a.say(banOf('203.0.113.1'))
    await a.until(() => a.rows.length === 0)
    a.drain.pause()
    a.say(banOf('203.0.113.2'))
    await a.transport.snapshot()
    a.drain.resume()
    await b.until(() => b.live.some(({ node, ip }) => node === 'a9' && ip === '203.0.113.2'))
    assert.deepEqual(b.gapsOf, [])
    await Promise.all([a.close(), b.close()])
  })

  it('sends everybody little beside its words: no id, and a short address for the answer', async () => {
    const a = await start('a10', new FleetKit())
    const wire = new Wire({ servers: [broker.url], name: 'b10', clock: systemClock })
    await wire.start({ onConnected: () => {}, onDisconnected: () => {} })
    const heard = new Promise<Arrived>((resolve) => wire.listen('bans.a10.>', resolve))
    await wire.flush()
    a.say(banOf('203.0.113.9'))
    const { reply, header } = await heard
    assert.match(reply ?? '', /^_I\.a10\.[\w-]{4}$/)
    assert.equal(header('Nats-Msg-Id'), undefined)
    await Promise.all([a.close(), wire.close()])
  })

  it('tells again what somebody has overwritten through a reply subject, which nobody believes', async () => {
    const fleet = new FleetKit()
    const [a, b] = [await start('a6', fleet), await start('b6', fleet)]
    a.say(banOf('203.0.113.6'))
    await a.until(() => a.rows.length === 0)
    const subject = 'bans.a6.4.203.0.113.6'
    const wire = new Wire({ servers: [broker.url], name: 'mallory', clock: systemClock })
    await wire.start({ onConnected: () => {}, onDisconnected: () => {} })
    // The broker checks the subject that is published on, and not where its own answer goes.
    await publishKept(wire, { subject: 'bans.mallory.x', body: Buffer.from('x') })
    wire.send('bans.mallory.y', 'y', subject)
    await a.until(() => a.foreign.length > 0)
    assert.equal(a.foreign[0]?.isSigned, false)
    await b.until(() => b.live.filter(({ ip }) => ip === '203.0.113.6').length === 2)
    assert(b.refused.some((line) => line.startsWith(subject)))
    const c = await start('c6', fleet)
    assert(c.heard.has('a6 203.0.113.6'))
    await Promise.all([a.close(), b.close(), c.close(), wire.close()])
  })

  it('notices a second node with its key', async () => {
    const fleet = new FleetKit()
    const [first, second] = [await start('a7', fleet), await start('a7', fleet)]
    second.say(banOf('203.0.113.7'))
    await first.until(() => first.foreign.length > 0)
    assert.equal(first.foreign[0]?.isSigned, true)
    await Promise.all([first.close(), second.close()])
  })

  it('learns that others have heard more from it than its disk knows', async () => {
    const fleet = new FleetKit()
    const a = await start('a8', fleet)
    a.say(banOf('203.0.113.8'), banOf('203.0.113.9'))
    await a.until(() => a.rows.length === 0)
    await a.transport.snapshot()
    await a.close()
    const old = new NodeKit('a8', [broker.url], fleet)
    await old.start()
    await old.until(() => old.aheadSeq > 0)
    assert.equal(old.aheadSeq, 2)
    await old.close()
  })
})
