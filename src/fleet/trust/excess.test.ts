import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { banWord, startMs, unbanWord } from '../message/message-kit.js'
import { Judge } from './judge.js'
import { hourMs, judged, nth, shown } from './judge-kit.js'
import { limitsOf } from './limits.js'
import { calmMs, type Quarantine } from './standing.js'

describe('a member that tells too much', () => {
  it('is put into quarantine and named, and what it has told before stays', () => {
    const told: [string, Quarantine][] = []
    const judge = new Judge({ onQuarantine: (node, quarantine) => told.push([node, quarantine]) })
    const effects = Array.from({ length: 400 }, (_, n) => shown(judged(judge, nth(n))))
    assert.deepEqual(effects, [...Array<string>(300).fill('enforce'), ...Array<string>(100).fill('hold')])
    const quarantine = { cause: 'rate', sinceMs: startMs, untilMs: startMs + calmMs, isRetroactive: false }
    assert.deepEqual(told, [['web7', quarantine]])
    assert.deepEqual(judge.quarantined(startMs), [{ node: 'web7', quarantine }])
    assert.deepEqual(
      [judge.isHeld('web7', { effect: 'enforce' }, startMs), judge.isHeld('web7', { effect: 'hold' }, startMs)],
      [false, true],
    )
    assert.equal(shown(judged(judge, banWord({ node: 'web8' }))), 'enforce')
    assert.equal(shown(judged(judge, unbanWord())), 'enforce')
  })

  it('is heard again half an hour after its last excess, with what was held', () => {
    const judge = new Judge()
    for (let n = 0; n < 301; n++) judged(judge, nth(n))
    assert.equal(shown(judged(judge, nth(400), { nowMs: startMs + calmMs - 1 })), 'hold')
    assert.equal(judge.isHeld('web7', { effect: 'hold' }, startMs + calmMs), false)
    assert.equal(shown(judged(judge, nth(401), { nowMs: startMs + calmMs })), 'enforce')
  })

  it('is refused what is beyond, and no more, when it is nobody in particular: whoever can write a line could silence all', () => {
    const judge = new Judge()
    const about = { level: 'anonymous' } as const
    const effects = Array.from({ length: 100 }, () => shown(judged(judge, banWord(), about)))
    assert.deepEqual(effects, [...Array(30).fill('enforce'), ...Array(70).fill('rate')])
    assert.deepEqual(judge.quarantined(startMs), [])
    const later = { ...about, nowMs: startMs + 60_000 }
    assert.equal(shown(judged(judge, banWord({ atMs: startMs + 60_000 }), later)), 'enforce')
  })

  it('stays in quarantine for as long as it goes on', () => {
    const judge = new Judge()
    for (let n = 0; n < 301; n++) judged(judge, nth(n))
    const laterMs = startMs + calmMs / 2
    for (let n = 400; n < 701; n++) judged(judge, nth(n), { nowMs: laterMs })
    assert.equal(judge.quarantineOf('web7', startMs + calmMs)?.untilMs, laterMs + calmMs)
    assert.equal(judge.quarantineOf('web7', laterMs + calmMs), undefined)
  })

  it('neither gains nor loses by a clock of ours that is set back', () => {
    const judge = new Judge()
    const backMs = startMs - hourMs
    for (let n = 0; n < 299; n++) judged(judge, nth(n))
    const after = [backMs, startMs].map((nowMs) => shown(judged(judge, { ...nth(400), atMs: nowMs }, { nowMs })))
    assert.deepEqual(after, ['enforce', 'hold'])
  })

  it('is heard again when an operator says so', () => {
    const judge = new Judge()
    for (let n = 0; n < 301; n++) judged(judge, nth(n))
    judge.release('web7')
    assert.equal(shown(judged(judge, nth(400), { nowMs: startMs + 1000 })), 'enforce')
  })

  it('is no member that tells of old things to one who comes back', () => {
    const judge = new Judge()
    for (let n = 0; n < 5000; n++) assert.equal(shown(judged(judge, nth(n), { arrival: 'catch-up' })), 'enforce')
  })

  it('is one that says the same thing over and over', () => {
    const judge = new Judge()
    const about = { population: { ofNode: 1, ofFleet: 1, isKnown: true } }
    for (let n = 0; n < 3000; n++) assert.equal(shown(judged(judge, banWord(), about)), 'enforce')
    assert.equal(shown(judged(judge, banWord(), about)), 'rate')
    assert.equal(shown(judged(judge, banWord({ ip: '203.0.113.10' }))), 'hold')
  })

  it('has, at any rate and any times, no more new bans in force than its limits allow', () => {
    const limits = limitsOf({ own: { perMinute: 6, burst: 10 } })
    fc.assert(
      fc.property(fc.array(fc.nat(20_000), { maxLength: 200 }), (steps) => {
        const judge = new Judge({ limits })
        let nowMs = startMs
        let enforced = 0
        for (const [n, step] of steps.entries()) {
          nowMs += step
          if (shown(judged(judge, { ...nth(n), atMs: nowMs, untilMs: nowMs + hourMs }, { nowMs })) === 'enforce')
            enforced++
          assert.ok(enforced <= 10 + (nowMs - startMs) / 10_000)
        }
      }),
    )
  })

  it('is no operator and no list: those are limited, not blamed', () => {
    for (const level of ['operator', 'feed'] as const) {
      const judge = new Judge({ limits: limitsOf({ [level]: { burst: 1 } }) })
      for (let n = 0; n < 100; n++) judged(judge, nth(n), { level })
      for (let n = 0; n < 100; n++) judged(judge, banWord({ ip: '127.0.0.1' }), { level })
      assert.equal(judge.quarantineOf('web7', startMs), undefined)
    }
  })
})
