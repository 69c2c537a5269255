import assert from 'node:assert/strict'
import { it } from 'node:test'
import { LiveBans } from '../../bans/live-bans.js'
import { banCounts } from './ban-counts.js'

const isByFleet = (jail: string) => jail.startsWith('fleet')

/** `bans`: jail, address, and whether the kernel has it. */
function counted(bans: readonly (readonly [string, string, boolean?])[]) {
  const live = new LiveBans()
  for (const [jail, id, isEnforced = true] of bans)
    live.setEnforced(live.add({ jail, id, startMs: 0, durationMs: undefined, count: 1 }), isEnforced)
  return banCounts(live, isByFleet)
}

const [a, b, c] = ['203.0.113.1', '203.0.113.2', '2001:db8::/64']

for (const [what, bans, expected] of [
  ['nothing', [], [0, 0]],
  [
    'bans of its own alone',
    [
      ['sshd', a],
      ['manual', a],
    ],
    [2, 2],
  ],
  [
    'bans of others alone, by two rules',
    [
      ['fleet', a],
      ['fleet-strict', a],
    ],
    [2, 2],
  ],
  [
    'whom it has banned, and the fleet by its word',
    [
      ['sshd', a],
      ['fleet', a],
    ],
    [1, 1],
  ],
  [
    'the same of a network, and others on both sides',
    [
      ['sshd', c],
      ['fleet', c],
      ['fleet', b],
      ['manual', a],
    ],
    [3, 3],
  ],
  [
    'two jails of its own and one word',
    [
      ['sshd', a],
      ['recidive', a],
      ['fleet', a],
    ],
    [2, 2],
  ],
  [
    'more of others, two jails of its own and one word',
    [
      ['sshd', a],
      ['recidive', a],
      ['fleet', a],
      ['fleet', b],
      ['fleet', c],
    ],
    [4, 4],
  ],
  [
    'one by its word that the kernel lacks',
    [
      ['sshd', a],
      ['fleet', a, false],
    ],
    [1, 1],
  ],
  [
    'one of its own that the kernel lacks',
    [
      ['sshd', a, false],
      ['fleet', a],
      ['fleet', b],
    ],
    [2, 1],
  ],
] as const)
  it(`a machine with ${what} has ${expected[0]} bans, and ${expected[1]} in its kernel`, () => {
    const { live, enforced } = counted(bans)
    assert.deepEqual([live, enforced], expected)
  })
