import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { ManualClock } from '../../../test/kit/manual-clock.js'
import { freePort } from './broker-kit.js'
import { Wire } from './wire.js'

class RecordingClock extends ManualClock {
  readonly waitsMs: number[] = []

  override after(delayMs: number, task: () => void): () => void {
    this.waitsMs.push(Math.round(delayMs))
    return super.after(delayMs, task)
  }
}

describe('a wire to a broker that is away', () => {
  for (const [when, chance, waitMs] of [
    ['half a second later at the earliest', 0, 500],
    ['two and a half seconds later at the latest', 0.9999, 2500],
    ['at any time between', 0.5, 1500],
  ] as const)
    it(`tries again ${when}, by chance, and tells the reason once`, async () => {
      const clock = new RecordingClock()
      const reasons: string[] = []
      const servers = [`127.0.0.1:${await freePort()}`]
      const wire = new Wire({ servers, name: 'x', clock, random: () => chance })
      await wire.start({ onConnected: () => assert.fail('connected'), onDisconnected: (text) => reasons.push(text) })
      assert.deepEqual(clock.waitsMs, [waitMs])
      clock.turn(waitMs)
      while (clock.waitsMs.length < 2) await nextTurn()
      assert.deepEqual(clock.waitsMs, [waitMs, waitMs])
      assert.deepEqual([wire.isConnected, reasons.length, wire.trouble], [false, 1, reasons[0]])
      await wire.close()
    })
})
