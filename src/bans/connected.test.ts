import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { ManualClock } from '../../test/kit/manual-clock.js'
import { type Ip, ipOf } from '../domain/address.js'
import { ConnectedPeers } from './connected.js'
import { tcpSockets, tcpSocketsLater } from './tcp-sockets.js'

/** Each look sees one more than the one before. */
function setUp() {
  const clock = new ManualClock()
  const looks: string[] = []
  const look = (how: string): Ip[] => {
    looks.push(how)
    return looks.map((_, n) => ipOf(Uint8Array.of(203, 0, 113, n)))
  }
  const connected = new ConnectedPeers({
    clock,
    look: { atOnce: () => look('at once'), later: async () => look('later') },
  })
  return { clock, looks, connected }
}

describe('who is connected', () => {
  it('is looked at in the background by whoever says in time that it will be asked for', async () => {
    const { connected, looks } = setUp()
    for (let n = 0; n < 5; n++) connected.soon()
    await setImmediate()
    assert.equal(connected.now().size, 1)
    assert.equal(connected.now(), connected.now())
    assert.deepEqual(looks, ['later'])
  })

  it('is looked at at once where there was no time for that', async () => {
    const { connected, looks } = setUp()
    assert.equal(connected.now().size, 1)
    connected.soon()
    await setImmediate()
    connected.now()
    assert.deepEqual(looks, ['at once'])
  })

  it('is looked at again every five seconds, in the background, until nobody has asked for a minute', async () => {
    const { connected, clock, looks } = setUp()
    connected.now()
    for (let second = 0; second < 120; second++) {
      clock.turn(1000)
      await setImmediate()
    }
    assert.deepEqual(looks, ['at once', ...Array(11).fill('later')])
    assert.equal(connected.now().size, 13)
    assert.equal(looks.at(-1), 'at once')
  })

  it('is never older than six seconds, also when the look in the background is late', () => {
    const { connected, clock, looks } = setUp()
    connected.now()
    clock.turn(6000)
    assert.equal(connected.now().size, 1)
    clock.turn(1)
    assert.equal(connected.now().size, 3)
    assert.deepEqual(looks, ['at once', 'later', 'at once'])
  })

  it('is not what a look has seen that began before another', async () => {
    const { connected, clock } = setUp()
    connected.soon()
    clock.turn(1)
    assert.equal(connected.now().size, 2)
    await setImmediate()
    assert.equal(connected.now().size, 2)
  })

  it('is looked at anew when the clock was set back', () => {
    const { connected, clock } = setUp()
    connected.now()
    clock.turn(-3_600_000)
    assert.equal(connected.now().size, 2)
  })

  it('is not looked at any more when nobody can ask', async () => {
    const { connected, clock, looks } = setUp()
    connected.now()
    connected.close()
    clock.turn(60_000)
    await setImmediate()
    assert.deepEqual(looks, ['at once'])
  })

  it('is the same in the background as at once', async (t) => {
    const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-connected-'))
    t.after(() => rmSync(dir, { recursive: true }))
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    t.after(() => server.close())
    writeFileSync(path.join(dir, 'tcp'), readFileSync('/proc/net/tcp'))
    const sockets = [...tcpSockets(dir)]
    assert.ok(sockets.length > 0)
    assert.deepEqual(await tcpSocketsLater(dir), sockets)
  })
})
