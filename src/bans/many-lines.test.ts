import assert from 'node:assert/strict'
import { it } from 'node:test'
import { RecordingLog } from '../../test/kit/recording-log.js'
import { ManyLines } from './many-lines.js'

it('says of the first ten thousand of each jail who they are, and how many the others are', () => {
  const log = new RecordingLog()
  const lines = new ManyLines(log)
  for (let i = 0; i < 10_003; i++) lines.write('sshd', 'Restore Ban', `${i}`)
  lines.write('web', 'Restore Ban', 'x')
  lines.end('more bans restored')
  assert.equal(log.lines.length, 10_002)
  assert.deepEqual(log.lines.slice(-3), [
    'NOTICE [sshd] Restore Ban 9999',
    'NOTICE [web] Restore Ban x',
    'NOTICE [sshd] 3 more bans restored',
  ])
})
