import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FailureWindow } from './failure-window.js'

const failureAt = (seconds: number, id = '192.0.2.1', line = `line at ${seconds}`) => ({
  id,
  timeMs: seconds * 1000,
  lines: [line],
  data: { user: `u${seconds}` },
})

describe('FailureWindow', () => {
  it('estimates the failures in the find time as Fail2ban does', () => {
    // Verified against Fail2ban: spec 5.1.
    const window = new FailureWindow({ findTimeMs: 600_000, maxmatches: 5 })
    const seen = [0, 100, 200, 650, 700, 1500, 1500, 2000].map((seconds) => {
      const { retries, firstMs, failures } = window.record(failureAt(seconds))
      return [retries, firstMs / 1000, failures]
    })
    assert.deepEqual(seen, [
      [1, 0, 1],
      [2, 0, 2],
      [3, 0, 3],
      [4, 50, 4],
      [5, 100, 5],
      [3, 900, 6],
      [4, 900, 7],
      [3, 1400, 8],
    ])
  })

  it('keeps the last matches and the data of the first failure', () => {
    const window = new FailureWindow({ findTimeMs: 600_000, maxmatches: 2 })
    for (const seconds of [1, 2]) window.record(failureAt(seconds))
    const ticket = window.record(failureAt(3))
    assert.deepEqual(ticket.lines, ['line at 2', 'line at 3'])
    assert.deepEqual(ticket.data, { user: 'u1' })
  })

  it('keeps no lines when maxmatches is 0', () => {
    assert.deepEqual(new FailureWindow({ findTimeMs: 1000, maxmatches: 0 }).record(failureAt(1)).lines, [])
  })

  it('forgets who has not failed for the find time', () => {
    const window = new FailureWindow({ findTimeMs: 600_000, maxmatches: 1 })
    window.record(failureAt(0, '192.0.2.1'))
    window.record(failureAt(500, '192.0.2.2'))
    assert.equal(window.failedNow(600_000), 1)
    assert.equal(window.failuresTotal, 2)
    window.sweep(1_100_000)
    assert.equal(window.record(failureAt(1050, '192.0.2.2')).retries, 1)
  })

  it('drops the oldest when an attacker brings more addresses than we hold', () => {
    const window = new FailureWindow({ findTimeMs: 600_000, maxmatches: 1, ticketsMax: 3 })
    for (let i = 0; i < 5; i++) window.record(failureAt(i, `192.0.2.${i}`))
    assert.equal(window.failedNow(5000), 3)
    assert.equal(window.record(failureAt(5, '192.0.2.0')).retries, 1)
  })

  it('counts on with those whose first failure is long ago and was packed', () => {
    const window = new FailureWindow({ findTimeMs: 600_000, maxmatches: 3 })
    const ids = Array.from({ length: 3000 }, (_, i) => `198.51.${100 + (i >> 8)}.${i & 255}`)
    for (const id of ids) window.record(failureAt(1, id))
    assert.equal(window.failedNow(2000), 3000)
    for (const id of [...ids.slice(0, 3), ...ids.slice(-3)]) {
      const { retries, lines, data, firstMs } = window.record(failureAt(2, id))
      assert.deepEqual([retries, lines, data, firstMs], [2, ['line at 1', 'line at 2'], { user: 'u1' }, 1000])
    }
  })

  it('does not bring back who was forgotten', () => {
    const window = new FailureWindow({ findTimeMs: 600_000, maxmatches: 1 })
    window.record(failureAt(1, '192.0.2.1'))
    window.forget('192.0.2.1')
    for (let i = 0; i < 2000; i++) window.record(failureAt(1, `198.51.${100 + (i >> 8)}.${i & 255}`))
    assert.equal(window.failedNow(2000), 2000)
  })

  it('keeps unusual text whole', () => {
    const line = 'Füße \ud83d\udd14 \ufffd \0 end'
    assert.deepEqual(new FailureWindow({ findTimeMs: 1000, maxmatches: 1 }).record(failureAt(1, 'x', line)).lines, [
      line,
    ])
  })
})
