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
const failure = (timeMs: number, id = '192.0.2.1', user = 'root') => ({
  id,
  timeMs,
  lines: [`at ${timeMs}`],
  data: { user },
})
const nobody = () => undefined
/** How many failures the jail has counted of this id, as seen by one more. */
const retriesOf = (jail: Jail, timeMs: number, id?: string, user?: string) => {
  const judgement = jail.judge(failure(timeMs, id, user), timeMs)
  return judgement.kind === 'counted' ? judgement.retries : judgement.kind
}

describe('Jail', () => {
  it('bans at the maxretry-th failure, from its time on, with the lines that led to it', () => {
    const jail = new Jail(spec, nobody)
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
    const jail = new Jail({ ...spec, maxretry: 1 }, nobody)
    assert.equal(jail.judge(failure(1), 1).kind, 'ban')
    assert.equal(jail.failedNow(1), 0)
    assert.equal(jail.judge(failure(2), 2).kind, 'ban')
  })

  it('neither counts nor bans who is ignored, and says by which rule', () => {
    const jail = new Jail({ ...spec, maxretry: 1 }, (id) => (id === '192.0.2.1' ? 'ip' : undefined))
    assert.deepEqual(jail.judge(failure(1), 1), { kind: 'ignored', by: 'ip' })
    assert.deepEqual(jail.attempt('192.0.2.1', ['a', 'b'], 1), { kind: 'ignored', by: 'ip' })
    assert.equal(jail.failuresTotal, 0)
    assert.equal(jail.judge(failure(1, '192.0.2.2'), 1).kind, 'ban')
  })

  it('bans at the first failure where maxretry is 0', () => {
    assert.equal(retriesOf(new Jail({ ...spec, maxretry: 0 }, nobody), 1), 'ban')
  })
})

describe('an attempt', () => {
  it('counts its lines as so many retries and as one failure', () => {
    const jail = new Jail({ ...spec, maxretry: 5 }, nobody)
    assert.deepEqual(jail.attempt('192.0.2.1', [], 1000), { kind: 'counted', retries: 1 })
    assert.deepEqual(jail.attempt('192.0.2.1', ['a', 'b', 'c'], 2000), { kind: 'counted', retries: 4 })
    const judgement = jail.attempt('192.0.2.1', ['d'], 3000)
    assert.ok(judgement.kind === 'ban')
    assert.deepEqual([judgement.ban.failures, judgement.ban.lines], [3, ['b', 'c', 'd']])
    assert.equal(jail.failuresTotal, 3)
  })

  it('bans at once when it has lines enough', () => {
    assert.equal(new Jail(spec, nobody).attempt('192.0.2.1', ['a', 'b', 'c'], 1).kind, 'ban')
  })
})

describe('a changed jail', () => {
  it('goes on with what was counted', () => {
    const jail = new Jail(spec, nobody)
    retriesOf(jail, 1000)
    const changed = jail.withSpec({ ...spec, maxretry: 2, banTimeMs: 1000 })
    const judgement = changed.judge(failure(2000), 2000)
    assert.ok(judgement.kind === 'ban')
    assert.equal(judgement.ban.durationMs, 1000)
    assert.equal(changed.failuresTotal, 2)
  })

  it('counts by the new find time, keeps as many lines as it now says, and ignores whom it now says', () => {
    const jail = new Jail({ ...spec, maxretry: 9 }, nobody)
    for (const timeMs of [1000, 2000, 3000]) retriesOf(jail, timeMs)
    const changed = jail.withSpec({ ...spec, maxretry: 4, maxmatches: 1 })
    const judgement = changed.judge(failure(4000), 4000)
    assert.deepEqual(judgement.kind === 'ban' && judgement.ban.lines, ['at 4000'])
    retriesOf(changed, 5000)
    assert.equal(changed.withSpec({ ...spec, findTimeMs: 10 }).failedNow(5010), 0)
    assert.equal(
      retriesOf(
        changed.withSpec(spec, () => 'ip'),
        6000,
      ),
      'ignored',
    )
  })
})

describe('ipv6_prefix', () => {
  const jail = () => new Jail({ ...spec, ipv6Prefix: 64 }, (id) => (id === '2001:db8::9' ? 'ip' : undefined))

  it('counts and bans a network for its addresses, and says whom alone to ban if that may not be', () => {
    const one = jail()
    assert.equal(retriesOf(one, 1, '2001:db8::1'), 1)
    assert.equal(retriesOf(one, 2, '2001:db8::2'), 2)
    assert.equal(retriesOf(one, 2, '2001:db8:0:1::2'), 1)
    const judgement = one.judge(failure(3, '2001:db8::3'), 3)
    assert.ok(judgement.kind === 'ban')
    assert.equal(judgement.ban.id, '2001:db8::/64')
    assert.deepEqual(judgement.alone, { ...judgement.ban, id: '2001:db8::3' })
  })

  it('does not count an address that is ignored, and forgives the network for each of its addresses', () => {
    const one = jail()
    assert.equal(retriesOf(one, 1, '2001:db8::9'), 'ignored')
    assert.equal(retriesOf(one, 1, '2001:db8::1'), 1)
    one.forgive('2001:db8::77')
    assert.equal(retriesOf(one, 2, '2001:db8::1'), 1)
  })

  it('leaves IPv4 as it is', () => {
    const judgement = new Jail({ ...spec, maxretry: 1, ipv6Prefix: 64 }, nobody).judge(failure(1), 1)
    assert.ok(judgement.kind === 'ban')
    assert.deepEqual([judgement.ban.id, judgement.alone], ['192.0.2.1', undefined])
  })
})

describe('success', () => {
  it('forgives the failures of its address', () => {
    const jail = new Jail(spec, nobody)
    retriesOf(jail, 1)
    retriesOf(jail, 1, '192.0.2.2')
    assert.equal(jail.succeed({ id: '192.0.2.1', user: 'somebody else' }), true)
    assert.equal(jail.succeed({ id: '192.0.2.1' }), false)
    assert.equal(retriesOf(jail, 2), 1)
    assert.equal(retriesOf(jail, 2, '192.0.2.2'), 2)
  })

  it('forgives only the failures for its user where the jail says so', () => {
    const jail = new Jail({ ...spec, maxretry: 9, successBy: 'user' }, nobody)
    for (const [timeMs, user] of [
      [1, 'alice'],
      [2, 'root'],
      [3, 'alice'],
      [4, 'root'],
    ] as const)
      retriesOf(jail, timeMs, undefined, user)
    jail.succeed({ id: '192.0.2.1', user: 'alice' })
    assert.equal(retriesOf(jail, 5), 3)
    jail.succeed({ id: '192.0.2.1' })
    jail.succeed({ id: '192.0.2.1', user: 'nobody' })
    assert.equal(retriesOf(jail, 6), 4)
    jail.succeed({ id: '192.0.2.1', user: 'root' })
    assert.equal(jail.failedNow(6), 0)
  })

  it('forgives by user also who has failed once, long before many others', () => {
    const jail = new Jail({ ...spec, successBy: 'user' }, nobody)
    retriesOf(jail, 1, '192.0.2.1', 'alice')
    for (let i = 0; i < 500; i++) retriesOf(jail, 1, `198.51.${100 + (i >> 8)}.${i & 255}`)
    jail.succeed({ id: '192.0.2.1', user: 'alice' })
    assert.equal(jail.failedNow(2), 500)
  })

  it('does not let an attacker grow without bound, nor be forgiven, by inventing names', () => {
    const jail = new Jail({ ...spec, maxretry: 1000, successBy: 'user' }, nobody)
    for (let i = 0; i < 100; i++) retriesOf(jail, 1, undefined, `name ${i}`)
    for (let i = 20; i < 100; i++) jail.succeed({ id: '192.0.2.1', user: `name ${i}` })
    assert.equal(retriesOf(jail, 2), 101)
  })
})

describe('a jail with increments', () => {
  it('needs fewer failures of somebody who was banned before, and lengthens his next ban', () => {
    const history = { recordOf: () => ({ count: 1, startMs: 500 }) }
    const jail = new Jail({ ...spec, increment: { overalljails: false } }, () => undefined, { history })
    const first = jail.judge(failure(1000), 1000)
    assert.deepEqual([first.kind, first.kind === 'counted' && first.retries], ['counted', 2])
    assert.match(first.kind === 'counted' ? (first.note ?? '') : '', /1 # -> 2\.0$/)
    const second = jail.judge(failure(2000), 2000)
    if (second.kind !== 'ban') assert.fail(second.kind)
    assert.match(second.note ?? '', /1 # -> 2\.0, Ban$/)
    assert.deepEqual([second.ban.failures, second.ban.durationMs], [2, 60_000])
    assert.deepEqual([jail.lengthen(second.ban)?.durationMs, jail.lengthen(second.ban)?.count], [120_000, 2])
  })
})
