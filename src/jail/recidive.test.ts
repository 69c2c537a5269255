import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Ban } from '../domain/ban.js'
import { Recidive } from './recidive.js'

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
    const history = [
      ban({ startMs: 1 }),
      ban({ startMs: 2, id: '192.0.2.2' }),
      ban({ startMs: 3, jail: 'recidive' }),
      ban({ startMs: 4, jail: 'web' }),
      ban({ startMs: 5 }),
      ban({ startMs: 6, id: '192.0.2.2' }),
    ]
    const replayed = [...recidive.replay(history)].map(({ id, timeMs }) => `${id} ${timeMs}`)
    assert.deepEqual(replayed, ['192.0.2.2 2', '192.0.2.2 6', '192.0.2.1 5'])
  })
})
