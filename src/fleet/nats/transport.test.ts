import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../lib/clock.js'
import { silentLog } from '../../lib/log.js'
import type { Parcel } from '../transport.js'
import { Broker, noBroker } from './broker-kit.js'
import { NatsTransport } from './transport.js'

class Node {
  readonly transport: NatsTransport
  readonly parcels: Parcel[] = []
  #wake = () => {}
  connections = 0
  losses = 0

  constructor(name: string, url: string) {
    this.transport = new NatsTransport({
      node: name,
      servers: [url],
      clock: systemClock,
      log: silentLog,
      replicas: 1,
      random: () => 0,
    })
  }

  async start(): Promise<this> {
    await this.transport.start({
      onParcel: (parcel) => {
        this.parcels.push(parcel)
        this.#wake()
      },
      onConnected: () => {
        this.connections++
        this.#wake()
      },
      onDisconnected: () => {
        this.losses++
        this.#wake()
      },
    })
    await this.until(() => this.connections > 0)
    return this
  }

  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) await new Promise<void>((resolve) => (this.#wake = resolve))
  }
}

describe('the fleet by NATS', { skip: noBroker ?? false }, () => {
  let broker: Broker
  before(async () => {
    broker = await Broker.start()
  })
  after(() => broker.end())

  it('brings what one node says to all, itself included', async () => {
    const [a, b] = [await new Node('a', broker.url).start(), await new Node('b', broker.url).start()]
    await a.transport.publish({ subject: 'bans.a.4.203.0.113.9', body: Buffer.from('x') }, { id: 'a:1' })
    await a.until(() => a.parcels.length === 1)
    await b.until(() => b.parcels.length === 1)
    assert.equal(b.parcels[0]?.subject, 'bans.a.4.203.0.113.9')
    assert.equal(Buffer.from(b.parcels[0]?.body ?? []).toString(), 'x')
    await a.transport.close()
    await b.transport.close()
  })

  it('goes on by itself after the broker was killed', async () => {
    const node = await new Node('a', broker.url).start()
    await broker.kill()
    await node.until(() => node.losses === 1)
    await assert.rejects(node.transport.publish({ subject: 'bans.a.x', body: Buffer.from('x') }, { id: 'a:2' }))
    await broker.start()
    await node.until(() => node.connections === 2)
    await node.transport.publish({ subject: 'bans.a.x', body: Buffer.from('x') }, { id: 'a:2' })
    await node.until(() => node.parcels.length === 1)
    await node.transport.close()
  })
})
