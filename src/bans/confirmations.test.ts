import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ManualClock } from '../../test/kit/manual-clock.js'
import { RecordingLog } from '../../test/kit/recording-log.js'
import { Confirmations } from './confirmations.js'

const trial = { jail: 'manual', id: '192.0.2.9', durationMs: undefined, force: false, wasBanned: false }

function setUp() {
  const clock = new ManualClock()
  const log = new RecordingLog()
  return { clock, log, confirmations: new Confirmations(clock, log) }
}

describe('bans on trial', () => {
  it('are confirmed once, by address or number', () => {
    const { clock, confirmations } = setUp()
    const { number, untilMs } = confirmations.begin(trial, 60_000)
    assert.equal(untilMs, clock.now() + 60_000)
    assert.deepEqual(confirmations.take('192.0.2.8'), [])
    assert.deepEqual(
      confirmations.take('192.0.2.9').map((one) => one.number),
      [number],
    )
    assert.deepEqual(confirmations.take('192.0.2.9'), [])
    const second = confirmations.begin(trial, 60_000)
    assert.deepEqual(confirmations.take(`${second.number}`), [second])
  })

  it('cannot be confirmed when their time is over, and the log says so', () => {
    const { clock, log, confirmations } = setUp()
    confirmations.begin(trial, 60_000)
    clock.turn(60_000)
    assert.deepEqual(confirmations.take('192.0.2.9'), [])
    assert.deepEqual(log.lines, ['NOTICE [manual] 192.0.2.9 was not confirmed: its ban is undone'])
  })

  it('are replaced by a newer trial of the same ban, and not by that in another jail', () => {
    const { confirmations } = setUp()
    confirmations.begin(trial, 60_000)
    const other = confirmations.begin({ ...trial, jail: 'sshd' }, 60_000)
    const again = confirmations.begin({ ...trial, durationMs: 5 }, 60_000)
    assert.deepEqual(confirmations.waiting(), [other, again])
  })

  it('are bounded', () => {
    const { confirmations } = setUp()
    for (let i = 0; i < 1000; i++) confirmations.begin({ ...trial, id: `2001:db8::${i.toString(16)}` }, 60_000)
    assert.ok(confirmations.isFull)
    confirmations.close()
    assert.deepEqual(confirmations.waiting(), [])
  })
})
