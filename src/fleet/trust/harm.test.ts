import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { overlaps } from '../../domain/address.js'
import { levels } from '../member.js'
import { banWord, memberOf, sightingWord, startMs } from '../message/message-kit.js'
import { Judge } from './judge.js'
import { dayMs, given, hourMs, ip, judged, nth, shown } from './judge-kit.js'
import { harmMax, mistrustMs } from './standing.js'

describe('a member that means harm', () => {
  it('has no word in force after ten, not even those of before', () => {
    const judge = new Judge()
    judged(judge, banWord())
    for (let n = 0; n < harmMax - 1; n++) judged(judge, banWord({ ip: '0.0.0.0/0' }), { nowMs: startMs + n })
    assert.equal(judge.isHeld('web7', { effect: 'enforce' }, startMs), false)
    judged(judge, banWord({ ip: '127.0.0.1' }), { nowMs: startMs + harmMax })
    const nowMs = startMs + 365 * dayMs
    assert.equal(judge.quarantineOf('web7', nowMs)?.cause, 'harmful')
    assert.equal(judge.isHeld('web7', { effect: 'enforce' }, nowMs), true)
  })

  it('is none that slips now and then', () => {
    const judge = new Judge()
    for (let n = 0; n < 100; n++)
      judged(judge, banWord({ ip: '0.0.0.0/0', atMs: startMs + n * hourMs }), { nowMs: startMs + n * hourMs })
    assert.equal(judge.quarantineOf('web7', startMs + 100 * hourMs), undefined)
  })

  it('is none that bans who is protected only with us', () => {
    const judge = new Judge()
    for (let n = 0; n < 100; n++) judged(judge, nth(n), { protection: () => 'has a session here' })
    assert.equal(shown(judged(judge, banWord())), 'enforce')
  })

  it('bans nobody alone after a canary, and nobody at all after a second', () => {
    const judge = new Judge({ canaries: [ip('198.51.100.7')] })
    judged(judge, banWord({ ip: '198.51.100.0/24' }))
    assert.equal(shown(judged(judge, banWord())), 'corroborate')
    const laterMs = startMs + mistrustMs
    assert.equal(shown(judged(judge, banWord({ untilMs: undefined }), { nowMs: laterMs })), 'enforce')
    judged(judge, banWord({ ip: '198.51.100.7' }), { nowMs: laterMs })
    judged(judge, banWord({ ip: '198.51.100.7', untilMs: undefined }), { nowMs: laterMs + 1 })
    judged(judge, banWord({ ip: '198.51.100.7', untilMs: undefined }), { nowMs: laterMs + 2 })
    assert.equal(judge.quarantineOf('web7', laterMs + 2)?.cause, 'canary')
  })

  it('is none that has only seen somebody, whoever it was', () => {
    const judge = new Judge({ canaries: [ip('198.51.100.7')] })
    for (const text of ['198.51.100.7', '0.0.0.0/0', '127.0.0.1'])
      for (let n = 0; n < 100; n++) judged(judge, sightingWord({ ip: text }))
    assert.equal(shown(judged(judge, banWord())), 'enforce')
  })

  it('is not forgiven by a restart, and is by an operator', () => {
    const before = new Judge()
    before.confine('web7', startMs)
    const judge = new Judge()
    judge.restore(before.kept(startMs))
    assert.equal(shown(judged(judge, banWord())), 'hold')
    judge.release('web7')
    assert.equal(shown(judged(judge, banWord())), 'enforce')
    judge.confine('web7', startMs)
    judge.forget('web7')
    assert.equal(shown(judged(judge, banWord())), 'enforce')
  })

  it('is forgotten when its machine has joined anew, and only then', () => {
    const judge = new Judge()
    const as = (sinceMs: number) =>
      judge.judge(banWord(), { ...given(banWord()), member: memberOf('web7', { sinceMs }) })
    assert.equal(shown(as(1000)), 'enforce')
    judge.confine('web7', startMs)
    assert.equal(shown(as(1000)), 'hold')
    const later = new Judge()
    later.restore(judge.kept(startMs))
    assert.equal(
      shown(later.judge(banWord(), { ...given(banWord()), member: memberOf('web7', { sinceMs: 1000 }) })),
      'hold',
    )
    assert.equal(shown(as(2000)), 'enforce')
    assert.equal(judge.quarantineOf('web7', startMs), undefined)
  })

  it('never has anybody banned who is protected, whatever it says', () => {
    const guarded = [ip('192.0.2.1'), ip('2001:db8::/64'), ip('127.0.0.0/8')]
    const protection = (asked: ReturnType<typeof ip>) => guarded.find((one) => overlaps(one, asked))?.text
    const address = fc.oneof(
      fc.constantFrom('192.0.2.1', '192.0.2.0', '2001:db8::1', '127.1.1.1', '0.0.0.0', '::'),
      fc.ipV4(),
      fc.ipV6(),
    )
    fc.assert(
      fc.property(address, fc.nat(128), fc.constantFrom(...levels), (text, bits, level) => {
        const { family, bytes } = ip(text)
        const network = ip(`${text}/${Math.min(bits, family === 6 && bytes.length === 16 ? 128 : 32)}`)
        const word = banWord({ ip: network.text })
        const verdict = new Judge().judge(word, { ...given(word, { level }), protection })
        if (guarded.some((one) => overlaps(one, network))) assert.equal(verdict.kind, 'refuse')
      }),
    )
  })
})
