import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { it } from 'node:test'
import { atTheEnd, House } from './kit/daemon-kit.js'
import { waitUntil } from './kit/wait-until.js'

// Less than a handshake with a broker may take.
it('a machine ends when it is told to, while its broker does not say a word', { timeout: 25_000 }, async () => {
  const strangers: Socket[] = []
  const silent = createServer((socket) => void strangers.push(socket.on('error', () => {}))).listen(0, '127.0.0.1')
  atTheEnd(() => silent.close())
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  const house = new House()
  const { exitCode, stderr } = await house.tocsin('fleet', 'init', '--nats', `tls://127.0.0.1:${port}`, '--name', 'web')
  assert.equal(exitCode, 0, stderr)
  house.write('config/tocsin.local', '[fleet]\ntransport = nats\n')
  const daemon = await house.serve('--simulate')
  await waitUntil(() => strangers.length > 0, 'the broker is asked')
  assert.equal(await daemon.end(), 0)
  assert.deepEqual(house.leftBehind(), [])
})
