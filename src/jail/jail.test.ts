import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Jail } from './jail.js'
import type { JailSpec } from './jail-spec.js'

const spec: JailSpec = {
  name: 'sshd',
  maxretry: 3,
  findTimeMs: 600_000,
  banTimeMs: 60_000,
  maxmatches: 3,
  ignoreip: [],
  ignoreself: true,
}
const failure = (timeMs: number, id = '192.0.2.1') => ({ id, timeMs, lines: [`at ${timeMs}`], data: { user: 'root' } })

describe('Jail', () => {
  it('bans at the maxretry-th failure, from its time on, with the lines that led to it', () => {
    const jail = new Jail(spec, () => undefined)
    assert.deepEqual(jail.judge(failure(1000), 1000), { kind: 'counted', retries: 1 })
    jail.judge(failure(2000), 2000)
    const judgement = jail.judge(failure(3000), 3500)
    assert.equal(judgement.kind, 'ban')
    assert.deepEqual(judgement.kind === 'ban' && judgement.ban, {
      jail: 'sshd',
      id: '192.0.2.1',
      startMs: 3000,
      durationMs: 60_000,
      origin: { kind: 'jail' },
      count: 1,
      failures: 3,
      lines: ['at 1000', 'at 2000', 'at 3000'],
      data: { user: 'root' },
    })
  })

  it('begins to count anew after a ban', () => {
    const jail = new Jail({ ...spec, maxretry: 1 }, () => undefined)
    assert.equal(jail.judge(failure(1), 1).kind, 'ban')
    assert.equal(jail.failedNow(1), 0)
    assert.equal(jail.judge(failure(2), 2).kind, 'ban')
  })

  it('neither counts nor bans who is ignored, and says by which rule', () => {
    const jail = new Jail({ ...spec, maxretry: 1 }, (id) => (id === '192.0.2.1' ? 'ip' : undefined))
    assert.deepEqual(jail.judge(failure(1), 1), { kind: 'ignored', by: 'ip' })
    assert.equal(jail.failuresTotal, 0)
    assert.equal(jail.judge(failure(1, '192.0.2.2'), 1).kind, 'ban')
  })
})
