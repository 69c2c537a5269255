import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { contains, ipOf, parseIp } from '../domain/address.js'
import { Budget, type BudgetLimits, calmMs, peersHitMin, windowMs } from './budget.js'
import { Peers } from './peers.js'

const ip = (text: string) => parseIp(text) ?? assert.fail(text)
const nth = (n: number) => ipOf(Uint8Array.of(203, 0, n >> 8, n & 255))
const nobody = new Peers([])
const seen = (peers: Peers) => ({ now: () => peers, soon: () => {} })
const asked = (budget: Budget, n: number, nowMs: number, limits: Partial<BudgetLimits> = {}, peers = nobody) =>
  budget.ask({ ip: nth(n), nowMs, limits: { perMinute: 5, peersPercent: 0, ...limits }, connected: seen(peers) })

describe('the budget of a jail', () => {
  it('never lets more new bans be enforced in a minute than it may, at whatever times they come', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20_000), { maxLength: 200 }), fc.integer({ min: 1, max: 20 }), (steps, perMinute) => {
        const budget = new Budget()
        const enforced: number[] = []
        let nowMs = 0
        for (const [n, step] of steps.entries()) {
          nowMs += step
          if (asked(budget, n, nowMs, { perMinute }) === undefined) enforced.push(nowMs)
        }
        for (const [i, atMs] of enforced.entries()) {
          const other = enforced[i + perMinute]
          assert.ok(
            other === undefined || other - atMs >= windowMs,
            `${perMinute + 1} within ${(other ?? 0) - atMs} ms`,
          )
        }
      }),
    )
  })

  it('holds nothing back that comes slowly enough', () => {
    const budget = new Budget()
    for (let n = 0; n < 1000; n++) assert.equal(asked(budget, n, n * (windowMs / 5)), undefined)
  })

  it('ends its overrun when there was none for five minutes, and not while they go on coming', () => {
    const budget = new Budget()
    for (let n = 0; n < 5; n++) assert.equal(asked(budget, n, 0), undefined)
    assert.deepEqual(asked(budget, 5, 0), { kind: 'rate', perMinute: 5, sinceMs: 0 })
    let nowMs = 0
    for (let n = 0; n < 200; n++) {
      nowMs += 10_000
      assert.notEqual(asked(budget, n, nowMs), undefined)
    }
    assert.notEqual(budget.overrun(nowMs + calmMs), undefined)
    assert.equal(budget.overrun(nowMs + calmMs + 1), undefined)
    assert.equal(asked(budget, 1, nowMs + calmMs + 1), undefined)
  })

  it('is excused for as long as an operator says', () => {
    const budget = new Budget()
    for (let n = 0; n < 10; n++) asked(budget, n, 0)
    budget.excuse(1000)
    for (let n = 0; n < 10; n++) assert.equal(asked(budget, n, 999), undefined)
    assert.notEqual(asked(budget, 11, 1000), undefined)
  })

  it('has no end where there is no limit', () => {
    const budget = new Budget()
    for (let n = 0; n < 30_000; n++) assert.equal(asked(budget, n, 0, { perMinute: 0 }), undefined)
  })

  const share = { perMinute: 0, peersPercent: 50 }

  it('is over when its new bans would hit too many of those who are connected, also when those are cut off at once', () => {
    const budget = new Budget()
    const connected = Array.from({ length: 200 }, (_, n) => nth(n))
    for (let n = 0; n < 104; n++) {
      // Each who is banned is connected no more; at the first nine we do not look.
      assert.equal(asked(budget, n, n, share, new Peers(connected.slice(n))), undefined, `${n}`)
    }
    assert.deepEqual(asked(budget, 104, 104, share, new Peers(connected.slice(104))), {
      kind: 'peers',
      hit: 96,
      of: 191,
      sinceMs: 104,
    })
  })

  it('does not mind when those whom it hits are few, or not connected', () => {
    const few = new Peers(Array.from({ length: peersHitMin - 1 }, (_, n) => nth(n)))
    const budget = new Budget()
    for (let n = 0; n < 1000; n++) assert.equal(asked(budget, n, n, share, few), undefined)
  })

  it('looks at a network at once: it may be everybody', () => {
    const peers = new Peers([...Array.from({ length: 60 }, (_, n) => nth(n)), ip('2001:db8::1')])
    const ask = (text: string) => new Budget().ask({ ip: ip(text), nowMs: 0, limits: share, connected: seen(peers) })
    assert.deepEqual(ask('203.0.0.0/24'), { kind: 'peers', hit: 60, of: 61, sinceMs: 0 })
    assert.equal(ask('2001:db8::/32'), undefined)
    assert.equal(ask('198.51.100.0/24'), undefined)
  })
})

describe('Peers', () => {
  it('counts as a look at each would', () => {
    const bytes = fc.uint8Array({ minLength: 4, maxLength: 4, max: 3 })
    fc.assert(
      fc.property(fc.array(bytes), bytes, fc.nat(32), (all, asked, prefix) => {
        const addresses = all.map((one) => ipOf(one))
        const network = ip(`${ipOf(asked).text}/${prefix}`)
        const inside = new Set(addresses.filter((one) => contains(network, one)).map(({ text }) => text))
        assert.equal(new Peers(addresses).countIn(network), inside.size)
      }),
    )
  })
})
