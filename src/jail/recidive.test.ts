import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Ban } from '../domain/ban.js'
import { Jail } from './jail.js'
import type { JailSpec } from './jail-spec.js'
import { Recidive, type Verdict } from './recidive.js'

const ban = (change: Partial<Ban> = {}): Ban => ({
  jail: 'sshd',
  id: '192.0.2.1',
  startMs: 1000,
  durationMs: 60_000,
  origin: { kind: 'jail' },
  count: 1,
  failures: 3,
  lines: ['x'],
  data: { user: 'root' },
  ...change,
})
const spec: JailSpec = {
  name: 'recidive',
  maxretry: 2,
  findTimeMs: 86_400_000,
  banTimeMs: 604_800_000,
  maxmatches: 5,
  ignoreip: [],
  ignoreself: true,
}
const recidive = new Recidive({ jail: 'recidive', ignorejails: ['web'] })

describe('Recidive', () => {
  it('counts what another jail bans as a failure of whoever is banned', () => {
    assert.deepEqual(recidive.offer(ban()), {
      id: '192.0.2.1',
      timeMs: 1000,
      lines: ['[sshd] Ban 192.0.2.1'],
      data: { jail: 'sshd' },
    })
  })

  it('does not count its own bans, those of ignored jails, by hand, restored, or of networks for their members', () => {
    const others: Partial<Ban>[] = [
      { jail: 'recidive' },
      { jail: 'web' },
      { origin: { kind: 'operator' } },
      { origin: { kind: 'restored' } },
      { id: '192.0.2.0/24', failures: 0 },
    ]
    for (const change of others) assert.equal(recidive.offer(ban(change)), undefined, JSON.stringify(change))
  })

  it('goes on after a restart with the bans that it had not answered yet', () => {
    const jail = new Jail(spec, () => undefined)
    const overdue = new Map<string, Verdict>()
    const again = { id: '192.0.2.2' }
    const history = [
      ban({ startMs: 1 }),
      ban({ startMs: 2, ...again }),
      ban({ startMs: 3 }),
      ban({ startMs: 4, jail: 'recidive' }),
      ban({ startMs: 5, jail: 'web', ...again }),
      ban({ startMs: 6 }),
    ]
    recidive.replay(history, jail, overdue)
    assert.equal(overdue.size, 0)
    assert.equal(jail.failedNow(6), 2)
    recidive.replay([ban({ startMs: 7, ...again })], jail, overdue)
    assert.deepEqual(
      [...overdue.values()].map(({ ban: { jail: name, id, failures, durationMs } }) => [
        name,
        id,
        failures,
        durationMs,
      ]),
      [['recidive', '192.0.2.2', 2, 604_800_000]],
    )
  })
})
