import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { days } from './attackers.js'
import { simulateLargeFleet } from './large-fleet.js'

const fleet = { nodes: 5000, day: days.bad, pairs: 4 }

describe('counting that is divided by the addresses', () => {
  it('comes to the same verdicts as who hears everything, at the next batch', () => {
    for (const seed of [1, 2]) {
      const { lost, unfounded, waitsMs, rates, rows, busiest } = simulateLargeFleet({ ...fleet, seed })
      assert.deepEqual({ seed, lost, unfounded }, { seed, lost: 0, unfounded: 0 })
      // So that nobody takes a quiet hour for a proof.
      assert.ok(waitsMs.length > 5000, String(waitsMs.length))
      assert.ok((waitsMs.at(-1) ?? 0) <= 2000, String(waitsMs.at(-1)))
      // Each of the four pairs has a share, and no more than that.
      assert.ok(rows.ofCounting < 0.3 * rows.ofOne, JSON.stringify(rows))
      assert.ok(busiest < 0.3 * (rates.sightings + rates.bans), JSON.stringify({ busiest, rates }))
    }
  })

  it('loses no verdict when counting nodes lose their memory: the second one tells it, some seconds later', () => {
    const { crashes, lost, unfounded, waitsMs } = simulateLargeFleet({ ...fleet, seed: 4, crashEveryMs: 60_000 })
    assert.deepEqual({ lost, unfounded }, { lost: 0, unfounded: 0 })
    assert.ok(crashes >= 4, String(crashes))
    const worstMs = waitsMs.at(-1) ?? 0
    assert.ok(worstMs > 2000 && worstMs <= 8000, String(worstMs))
  })

  it('loses one verdict in a hundred at most, until the next word, when one word in a hundred gets lost', () => {
    const { lost, unfounded, waitsMs } = simulateLargeFleet({ ...fleet, seed: 5, loss: 0.01 })
    assert.equal(unfounded, 0)
    assert.ok(lost < waitsMs.length / 100, `${lost} of ${waitsMs.length}`)
  })

  it('is the same again for the same seed', () => {
    const options = { ...fleet, nodes: 500, seed: 7 }
    assert.deepEqual(simulateLargeFleet(options), simulateLargeFleet(options))
  })
})
