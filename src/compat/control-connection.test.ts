import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { it, mock } from 'node:test'
import { exchange, socketPath } from '../../test/kit/exchange.js'
import { ControlConnection } from './control-connection.js'
import { endMarker } from './end-marker.js'

it('answers in one write, end marker and all: some clients read once', async () => {
  const place = socketPath()
  mkdirSync(path.dirname(place))
  const lengths: number[] = []
  const server = createServer((socket) => {
    const write = socket.write.bind(socket)
    mock.method(socket, 'write', (bytes: Buffer, done: () => void) => {
      lengths.push(bytes.length)
      return write(bytes, done)
    })
    const answer = async () => Buffer.alloc(30_000, 'x')
    new ControlConnection(socket, { rights: 'all', requestBytesMax: 100, idleMs: 10_000, answer, onRefused() {} })
  }).listen(place)
  await exchange(place, [Buffer.concat([Buffer.from('hi'), endMarker])])
  assert.deepEqual(lengths, [30_000 + endMarker.length])
  server.close()
})
