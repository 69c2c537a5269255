import type { Clock } from '../lib/clock.js'
import { describeEnforcer } from './enforcer-contract.js'
import { MemoryEnforcer } from './memory.js'

let nowMs = 1_800_000_000_000
const clock: Clock = { now: () => nowMs, after: () => () => {} }

describeEnforcer({
  name: 'the simulating enforcer',
  skip: undefined,
  make: () => new MemoryEnforcer({ clock }),
  pass: async (ms) => {
    nowMs += ms
  },
  outlives: false,
})
