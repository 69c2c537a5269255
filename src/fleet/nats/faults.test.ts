import assert from 'node:assert/strict'
import { sign } from 'node:crypto'
import { after, describe, it } from 'node:test'
import { systemClock } from '../../lib/clock.js'
import { Broker, freePort, noBroker, Road, rawSubscriber } from './broker-kit.js'
import { brokerKeyPair } from './nkey.js'
import { banOf, FleetKit, NodeKit } from './node-kit.js'
import { ServerKit } from './server-kit.js'
import { api, recordOf } from './streams.js'
import { Wire } from './wire.js'

const brokers: Broker[] = []
after(async () => {
  for (const broker of brokers) await broker.end()
})

async function brokerWith(extra = ''): Promise<Broker> {
  const broker = await Broker.start(extra)
  brokers.push(broker)
  return broker
}

describe('faults on the way', { skip: noBroker ?? false, timeout: 60_000 }, () => {
  it('a node that was cut off notices it, hears what it has missed and tells what it kept', async () => {
    const broker = await brokerWith()
    const road = await new Road(broker.port).open()
    const fleet = new FleetKit()
    const near = await new NodeKit('near', [broker.url], fleet).start()
    const far = new NodeKit('far', [`nats://127.0.0.1:${road.port}`], fleet, { pingMs: 150 })
    await far.start()
    road.cut()
    near.say(banOf('203.0.113.1'), banOf('203.0.113.2'))
    far.say(banOf('203.0.113.3'))
    await far.until(() => far.losses > 0)
    far.say(banOf('203.0.113.4'))
    await near.until(() => near.rows.length === 0)
    assert.equal(
      [...far.heard.keys()].some((place) => place.startsWith('near')),
      false,
    )
    road.mend()
    await far.until(() => far.heard.has('near 203.0.113.1') && far.heard.has('near 203.0.113.2'))
    await near.until(() => near.heard.has('far 203.0.113.3') && near.heard.has('far 203.0.113.4'))
    await far.until(() => far.rows.length === 0)
    await Promise.all([near.close(), far.close()])
    road.close()
  })

  it('one that does not read delays nobody, and is cut off', async () => {
    const broker = await brokerWith('max_pending: 1048576\nwrite_deadline: "100ms"')
    const fleet = new FleetKit()
    const [a, b] = [
      await new NodeKit('a', [broker.url], fleet).start(),
      await new NodeKit('b', [broker.url], fleet).start(),
    ]
    const slow = await rawSubscriber(broker.port, 'noise.>')
    slow.socket.pause()
    const wire = new Wire({ servers: [broker.url], name: 'noise', clock: systemClock })
    await wire.start({ onConnected: () => {}, onDisconnected: () => {} })
    const noise = Buffer.alloc(512 * 1024)
    for (let i = 0; i < 60; i++) {
      wire.send('noise.x', noise)
      if (i % 10 === 0) await wire.flush()
    }
    await wire.flush()
    a.say(banOf('203.0.113.9'))
    await b.until(() => b.heard.size === 1)
    const cut = new Promise((resolve) => slow.socket.once('close', resolve))
    slow.socket.resume()
    await cut
    await Promise.all([a.close(), b.close(), wire.close()])
  })

  it('what is said is heard while a cluster of three has lost its leader, and is kept when it has a new one', async () => {
    const ports = [await freePort(), await freePort(), await freePort()]
    const clusterPorts = [await freePort(), await freePort(), await freePort()]
    const routes = clusterPorts.map((port) => `nats://127.0.0.1:${port}`).join(', ')
    const three = ports.map(
      (port, i) =>
        new Broker(
          port,
          `server_name: s${i}\ncluster { name: c, listen: "127.0.0.1:${clusterPorts[i]}", routes: [${routes}] }`,
        ),
    )
    brokers.push(...three)
    await Promise.all(three.map((broker) => broker.start()))
    const fleet = new FleetKit()
    const a = await new NodeKit('a', [three[0]?.url ?? ''], fleet, { replicas: 3 }).start()
    a.say(banOf('203.0.113.1'))
    await a.until(() => a.rows.length === 0)
    const leader = await leaderOf(three[0]?.url ?? '')
    const others = three.filter((_, i) => `s${i}` !== leader)
    const survivors = others.map(({ url }) => url)
    const b = await new NodeKit('b', survivors, fleet, { replicas: 3 }).start()
    const c = await new NodeKit('c', survivors, fleet, { replicas: 3 }).start()
    await three[Number(leader.slice(1))]?.kill()
    b.say(banOf('203.0.113.2'))
    await c.until(() => c.heard.has('b 203.0.113.2'))
    await b.until(() => b.rows.length === 0)
    const d = await new NodeKit('d', survivors, fleet, { replicas: 3 }).start()
    assert(d.heard.has('a 203.0.113.1') && d.heard.has('b 203.0.113.2'))
    await Promise.all([a.close(), b.close(), c.close(), d.close()])
  })
})

describe('a broker of the fleet', { skip: noBroker ?? false, timeout: 60_000 }, () => {
  it('lets nodes in by their cards, encrypted, and the rights of a node are enough for everything', async () => {
    const kit = await new ServerKit().start()
    const fleet = new FleetKit()
    const nodeOf = (name: string, role: 'hub' | 'node') => {
      const seed = Buffer.alloc(32, name)
      const { options } = kit.user(name, role, seed)
      const { privateKey } = brokerKeyPair(seed)
      const { jwt } = options.authenticator('x')
      return new NodeKit(name, [options.servers], fleet, {
        tls: options.tls,
        credentials: { jwt, sign: (nonce) => sign(null, nonce, privateKey) },
        ...(role === 'node' ? { replicas: 0 } : {}),
      })
    }
    const hub = await nodeOf('hub', 'hub').start()
    const web = await nodeOf('web', 'node').start()
    web.say(banOf('203.0.113.9'))
    await hub.until(() => hub.heard.has('web 203.0.113.9'))
    await web.until(() => web.rows.length === 0)
    await web.transport.snapshot()
    assert.deepEqual(
      web.logged.filter((line) => !line.startsWith('WARNING')),
      [],
    )
    const late = await nodeOf('late', 'node').start()
    assert(late.heard.has('web 203.0.113.9'))
    await Promise.all([hub.close(), web.close(), late.close()])
    await kit.close()
  })

  it('is not spoken to when it does not encrypt, or is certified by somebody else', async () => {
    const broker = await brokerWith()
    const [kit, other] = [await new ServerKit().start(), new ServerKit()]
    const tls = { ca: other.certified.certificate }
    for (const servers of [[broker.url], [`127.0.0.1:${kit.port}`]]) {
      const wire = new Wire({ servers, name: 'x', tls, clock: systemClock })
      let reason = ''
      await wire.start({
        onConnected: () => assert.fail('connected'),
        onDisconnected: (text) => {
          reason = text
        },
      })
      assert.notEqual(reason, '')
      await wire.close()
    }
    await kit.close()
    await other.close()
  })
})

async function leaderOf(url: string): Promise<string> {
  const wire = new Wire({ servers: [url], name: 'asks', clock: systemClock })
  await wire.start({ onConnected: () => {}, onDisconnected: () => {} })
  const { cluster } = await api(wire, 'STREAM.INFO.BANS', {}, 5000)
  await wire.close()
  return String(recordOf(cluster).leader)
}
