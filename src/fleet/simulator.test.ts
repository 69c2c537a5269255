import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { simulate } from './simulator.js'

describe('a fleet in trouble', () => {
  it('loses no word, and acts on none twice, in fifty random rounds', () => {
    const trouble = { told: 0, crashes: 0, partitions: 0, lost: 0, doubled: 0 }
    for (let seed = 1; seed <= 50; seed++) {
      const { wrong, twice, ...round } = simulate({ seed, nodes: 8, words: 300 })
      assert.deepEqual({ seed, wrong: wrong.slice(0, 5), twice }, { seed, wrong: [], twice: 0 })
      for (const key of ['told', 'crashes', 'partitions', 'lost', 'doubled'] as const) trouble[key] += round[key]
    }
    // So that nobody takes a quiet hour for a proof.
    assert.equal(trouble.told, 15_000)
    for (const count of Object.values(trouble)) assert.ok(count > 500, JSON.stringify(trouble))
  })

  it('is the same again for the same seed', () => {
    const options = { seed: 7, nodes: 5, words: 100 }
    assert.deepEqual(simulate(options), simulate(options))
  })
})
