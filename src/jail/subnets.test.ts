import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { SubnetRule } from './jail-spec.js'
import { Subnets } from './subnets.js'

const minute = 60_000
const rule: SubnetRule = { count: 3, windowMs: 60 * minute }
/** A ban at this minute. */
const at = (id: string, startMinute: number, minutes = 30) => ({
  id,
  startMs: startMinute * minute,
  durationMs: minutes * minute,
})

/** Tells of bans as they begin, each at its time, and of every network's ban that comes of them. Returns those networks' bans. */
function begin(subnets: Subnets, ...bans: ReturnType<typeof at>[]) {
  return bans.flatMap((ban) => {
    const wanted = subnets.begun(ban, 'new', ban.startMs)
    for (const network of wanted) subnets.begun(network, 'new', ban.startMs)
    return wanted
  })
}
const members = (count: number, network = '198.51.100.') =>
  Array.from({ length: count }, (_, i) => at(`${network}${i + 1}`, i))

describe('Subnets', () => {
  it('bans the /24 when enough of its addresses are banned at once, for as long as the last of them', () => {
    const subnets = new Subnets({ jail: 'sshd', rule })
    assert.deepEqual(begin(subnets, ...members(2), at('203.0.113.1', 2)), [])
    const [ban, ...more] = begin(subnets, at('198.51.100.3', 2, 45))
    assert.deepEqual(more, [])
    assert.deepEqual(ban, {
      jail: 'sshd',
      id: '198.51.100.0/24',
      startMs: 2 * minute,
      durationMs: 45 * minute,
      origin: { kind: 'jail' },
      count: 1,
      failures: 0,
      lines: ['3 members of 198.51.100.0/24 are banned: 198.51.100.1 198.51.100.2 198.51.100.3'],
      data: {},
    })
  })

  it('bans for the time that the rule says', () => {
    const subnets = new Subnets({ jail: 'sshd', rule: { ...rule, banTimeMs: 1440 * minute } })
    assert.deepEqual(
      begin(subnets, ...members(4)).map(({ durationMs }) => durationMs),
      [1440 * minute],
    )
  })

  it('bans for good where the members are', () => {
    const subnets = new Subnets({ jail: 'sshd', rule })
    const bans = members(3).map((ban) => ({ ...ban, durationMs: undefined }))
    const wanted = bans.flatMap((ban) => subnets.begun(ban, 'new', ban.startMs))
    assert.deepEqual(
      wanted.map(({ durationMs }) => durationMs),
      [undefined],
    )
  })

  it('makes the ban longer when one more member, or a prolonged one, ends later', () => {
    const subnets = new Subnets({ jail: 'sshd', rule })
    begin(subnets, ...members(3))
    const [longer] = begin(subnets, at('198.51.100.9', 4))
    assert.equal((longer?.startMs ?? 0) + (longer?.durationMs ?? 0), 34 * minute)
    assert.deepEqual(begin(subnets, at('198.51.100.10', 4, 10)), [])
    assert.equal(subnets.begun(at('198.51.100.1', 0, 300), 'new', 5 * minute)[0]?.durationMs, 295 * minute)
  })

  it('does not count who is banned no more, or was banned too long ago, or twice', () => {
    const subnets = new Subnets({ jail: 'sshd', rule })
    assert.deepEqual(begin(subnets, at('198.51.100.1', 0, 500), at('198.51.100.1', 1, 500)), [])
    assert.deepEqual(begin(subnets, at('198.51.100.2', 10, 5), at('198.51.100.3', 16)), [], 'one is over')
    assert.deepEqual(begin(subnets, at('198.51.100.4', 62)), [], 'the first began more than an hour ago')
    assert.equal(begin(subnets, at('198.51.100.5', 63), at('198.51.100.6', 64)).length, 1)
  })

  it('does not ban again what an operator lifts, for the time of the rule', () => {
    const subnets = new Subnets({ jail: 'sshd', rule })
    begin(subnets, ...members(3))
    assert.deepEqual(subnets.ended('198.51.100.0/24', 'lifted', 3 * minute), [])
    assert.deepEqual(begin(subnets, at('198.51.100.4', 4), at('198.51.100.5', 62)), [])
    assert.equal(begin(subnets, at('198.51.100.6', 64), at('198.51.100.7', 64)).length, 1)
  })

  it('lifts the ban when so many members are let out by hand that too few remain, and then leaves it alone for a time', () => {
    const subnets = new Subnets({ jail: 'sshd', rule })
    begin(subnets, ...members(4))
    assert.deepEqual(subnets.ended('198.51.100.1', 'lifted', 5 * minute), [])
    assert.deepEqual(subnets.ended('198.51.100.2', 'lifted', 5 * minute), ['198.51.100.0/24'])
    assert.deepEqual(subnets.ended('198.51.100.0/24', 'lifted', 5 * minute), [])
    assert.deepEqual(begin(subnets, at('198.51.100.9', 6)), [])
    assert.equal(begin(subnets, at('198.51.100.10', 66), at('198.51.100.11', 66), at('198.51.100.12', 66)).length, 1)
  })

  it('does not ban again either when it hears of the members first that were lifted with their network', () => {
    const subnets = new Subnets({ jail: 'sshd', rule })
    begin(subnets, ...members(3))
    const told = [...members(3).map(({ id }) => id), '198.51.100.0/24']
    assert.deepEqual(
      told.flatMap((id) => subnets.ended(id, 'lifted', 3 * minute)),
      ['198.51.100.0/24'],
    )
    assert.deepEqual(begin(subnets, ...[4, 5, 6, 7].map((n) => at(`198.51.100.${n}`, n))), [])
  })

  it('keeps the ban when members end by their time: that was known when it began', () => {
    const subnets = new Subnets({ jail: 'sshd', rule: { ...rule, banTimeMs: 1440 * minute } })
    begin(subnets, ...members(3))
    for (const { id } of members(3)) assert.deepEqual(subnets.ended(id, 'expired', 40 * minute), [])
    assert.deepEqual(subnets.ended('198.51.100.0/24', 'expired', 1442 * minute), [])
    assert.equal(subnets.size, 0)
  })

  it('asks again when its wish was refused, and not for what an operator bans', () => {
    const subnets = new Subnets({ jail: 'sshd', rule })
    for (const ban of members(3)) subnets.begun(ban, 'new', ban.startMs)
    assert.equal(subnets.begun(at('198.51.100.7', 5), 'new', 5 * minute).length, 1)
    const other = new Subnets({ jail: 'sshd', rule })
    other.begun(at('203.0.113.0/24', 0), 'new', 0)
    other.begun(at('203.0.113.1', 0), 'new', 0)
    assert.deepEqual(other.ended('203.0.113.1', 'lifted', minute), [])
  })

  it('takes restored bans as members, and bans no network for them alone', () => {
    const subnets = new Subnets({ jail: 'sshd', rule })
    for (const ban of members(5)) assert.deepEqual(subnets.begun(ban, 'restored', 6 * minute), [])
    assert.equal(begin(subnets, at('198.51.100.9', 7)).length, 1)
  })

  it('goes up by the size of IPv6 allocations: a member of each network is a smaller network', () => {
    const subnets = new Subnets({ jail: 'sshd', rule: { ...rule, count: 2 } })
    const ids = ['2001:db8:1:1::1', '2001:db8:1:1::2', '2001:db8:1:2::/64', '2001:db8:1:1ff::5', '2001:db8:2::1']
    const wanted = begin(subnets, ...ids.map((id, i) => at(id, i)))
    assert.deepEqual(
      wanted.map(({ id }) => id),
      ['2001:db8:1:1::/64', '2001:db8:1::/56', '2001:db8:1::/48'],
    )
  })

  it('leaves private networks alone, and ids that are no addresses', () => {
    const subnets = new Subnets({ jail: 'sshd', rule: { ...rule, count: 2 } })
    const ids = ['10.0.0.1', '10.0.0.2', '192.168.1.1', '192.168.1.2', 'fd00::1', 'fd00::2', 'bob', 'eve']
    assert.deepEqual(begin(subnets, ...ids.map((id) => at(id, 0))), [])
    assert.deepEqual(subnets.ended('bob', 'expired', 1), [])
    assert.equal(subnets.size, 0)
  })

  it('goes on with what its earlier self has seen when the jail is configured anew', () => {
    const earlier = new Subnets({ jail: 'sshd', rule })
    begin(earlier, ...members(3))
    const subnets = new Subnets({ jail: 'sshd', rule: { ...rule, count: 4 } })
    subnets.takeOver(earlier)
    assert.deepEqual(subnets.ended('198.51.100.1', 'lifted', 5 * minute), ['198.51.100.0/24'])
    assert.deepEqual(begin(subnets, at('198.51.100.7', 70), at('198.51.100.8', 70), at('198.51.100.9', 70)), [])
    assert.equal(begin(subnets, at('198.51.100.10', 70)).length, 1)
  })

  it('remembers only so many networks, those with news', () => {
    const subnets = new Subnets({ jail: 'sshd', rule, networksMax: 10 })
    for (let i = 0; i < 100; i++) begin(subnets, at(`198.51.${i}.1`, 0), at(`203.0.113.${i % 2}`, 0))
    assert.equal(subnets.size, 10)
    assert.equal(begin(subnets, at('203.0.113.200', 0)).length, 1)
  })
})

/** What happens in one jail, minute by minute, in two /24s. */
const happening = fc.record({
  network: fc.constantFrom('198.51.100.', '203.0.113.'),
  host: fc.integer({ min: 0, max: 6 }),
  what: fc.constantFrom('ban', 'ban', 'ban', 'unban'),
  minutes: fc.integer({ min: 1, max: 120 }),
  passed: fc.integer({ min: 0, max: 20 }),
})

it('asks for a network exactly when enough different members of it are banned at once and began within the time', () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
      const subnets = new Subnets({ jail: 'sshd', rule })
      const live = new Map<string, { startMs: number; endMs: number }>()
      let nowMs = 0
      for (const { network, host, what, minutes, passed } of happenings) {
        nowMs += passed * minute
        const id = `${network}${host}`
        for (const [other, { endMs }] of live)
          if (endMs <= nowMs && live.delete(other)) subnets.ended(other, 'expired', nowMs)
        if (what === 'unban') {
          if (live.delete(id)) subnets.ended(id, 'lifted', nowMs)
          continue
        }
        if (live.has(id)) continue
        live.set(id, { startMs: nowMs, endMs: nowMs + minutes * minute })
        // Refused every time, so every answer can be foretold.
        const wanted = subnets.begun({ id, startMs: nowMs, durationMs: minutes * minute }, 'new', nowMs)
        const together = [...live].filter(([other]) => other.startsWith(network))
        const recent = together.filter(([, { startMs }]) => startMs >= nowMs - rule.windowMs)
        assert.equal(wanted.length, recent.length >= rule.count ? 1 : 0)
        const lastMs = Math.max(...together.map(([, { endMs }]) => endMs))
        for (const ban of wanted) assert.equal(ban.startMs + (ban.durationMs ?? 0), lastMs)
      }
    }),
  )
})
