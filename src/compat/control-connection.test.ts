import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { it } from 'node:test'
import { silentLog } from '../lib/log.js'
import { listenControl } from './control-socket.js'
import { endMarker } from './end-marker.js'
import { socketPath } from './socket-kit.js'

it('answers in one write, end marker and all: some clients read once', async () => {
  const place = socketPath()
  const answer = async () => Buffer.alloc(30_000, 'x')
  const socket = await listenControl({ path: place, answer, log: silentLog })
  for (let i = 0; i < 20; i++) {
    const client = connect(place)
    client.write(Buffer.concat([Buffer.from('hi'), endMarker]))
    const [first] = await once(client, 'data')
    client.destroy()
    assert.equal(first.length, 30_000 + endMarker.length)
  }
  await socket.close()
})
