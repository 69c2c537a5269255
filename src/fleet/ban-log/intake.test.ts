import assert from 'node:assert/strict'
import { it } from 'node:test'
import { ManualClock } from '../../../test/kit/manual-clock.js'
import { startMs } from '../message/message-kit.js'
import { Intake } from './intake.js'

it('of more than there is room for, what was written last is read', async () => {
  const heard: string[] = []
  const intake = new Intake({
    node: 'web1',
    isPlain: false,
    clock: new ManualClock(startMs),
    onParcel() {},
    onPlain: ({ ip }) => heard.push(ip.text),
  })
  const page = `# ${'x'.repeat(2000)}\n`.repeat(500)
  const read = new Promise<void>((resolve) => {
    for (let n = 0; n < 10; n++) intake.take(`HOST 203.0.113.${n} PORT 22\n${page}`, true)
    intake.whenDone(resolve)
  })
  await read
  assert.equal(heard.at(-1), '203.0.113.9')
  // The first is looked at at once.
  assert.deepEqual([heard[0], heard.length, intake.counts.dropped], ['203.0.113.0', 9, 2])
})
