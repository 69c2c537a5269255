import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { overlaps, parseIp } from '../../domain/address.js'
import { type Level, levels } from '../member.js'
import { banWord, memberOf, sightingWord, startMs, unbanWord } from '../message/message-kit.js'
import type { Word } from '../word.js'
import { type Circumstances, Judge, skewMsMax } from './judge.js'
import { limitsByDefault, limitsOf } from './limits.js'
import type { Quarantine } from './standing.js'
import { calmMs, harmMax, mistrustMs } from './standing.js'
import type { Verdict } from './verdict.js'

const ip = (text: string) => parseIp(text) ?? assert.fail(text)
const hourMs = 3_600_000
const dayMs = 24 * hourMs
const nobody = { ofNode: 0, ofFleet: 0, isKnown: false }
type About = Partial<Circumstances> & { level?: Level }

function given(word: Word, { level = 'own', ...more }: About = {}): Circumstances {
  return {
    member: memberOf(word.node, { level }),
    ip: ip(word.ip),
    nowMs: startMs,
    protection: () => undefined,
    arrival: 'live',
    population: nobody,
    ...more,
  }
}
const judged = (judge: Judge, word: Word, about: About = {}) => judge.judge(word, given(word, about))
const shown = (verdict: Verdict) => (verdict.kind === 'accept' ? verdict.effect : verdict.reason)
const once = (word: Word, about: About = {}) =>
  shown(judged(new Judge({ canaries: [ip('198.51.100.0/24')] }), word, about))
const lasts = (word: Word, about: About = {}) => {
  const verdict = judged(new Judge(), word, about)
  return verdict.kind === 'accept' && verdict.cappedUntilMs !== undefined
    ? verdict.cappedUntilMs - startMs
    : shown(verdict)
}

describe('a word of a member', () => {
  for (const [what, word, about, expected] of [
    ['a ban', banWord(), {}, 'enforce'],
    ['a ban of an operator', banWord(), { level: 'operator' }, 'enforce'],
    ['a ban of a partner', banWord(), { level: 'partner' }, 'corroborate'],
    ['a ban of a list', banWord(), { level: 'feed' }, 'enforce'],
    ['a ban of nobody in particular', banWord(), { level: 'anonymous' }, 'enforce'],
    ['a sighting', sightingWord(), {}, 'enforce'],
    ['a sighting of a partner', sightingWord(), { level: 'partner' }, 'corroborate'],
    ['a lift of its own', unbanWord(), {}, 'enforce'],
    ['a lift of all, by a node', unbanWord({ everywhere: true }), {}, 'not-an-operator'],
    ['a lift of all, by an operator', unbanWord({ everywhere: true }), { level: 'operator' }, 'enforce'],
    ['a ban that has ended', banWord({ atMs: startMs - 9, untilMs: startMs }), {}, 'expired'],
    ['a lift that has ended', unbanWord({ atMs: startMs - 9, untilMs: startMs }), {}, 'expired'],
    ['a sighting of everybody', sightingWord({ ip: '0.0.0.0/0' }), {}, 'too-wide'],
    ['a sighting of ourselves', sightingWord({ ip: '127.0.0.1' }), {}, 'nobodys-address'],
    ['a sighting of a canary', sightingWord({ ip: '198.51.100.7' }), {}, 'canary'],
    ['a sighting of who is protected', sightingWord(), { protection: () => 'it is the default gateway' }, 'protected'],
    ['a sighting of yesterday', sightingWord({ atMs: startMs - dayMs }), {}, 'expired'],
    ['a permanent ban of last month', banWord({ atMs: startMs - 30 * dayMs, untilMs: undefined }), {}, 'expired'],
    ['a clock nine minutes ahead', banWord({ atMs: startMs + skewMsMax }), {}, 'enforce'],
    ['a clock more than ten minutes ahead', banWord({ atMs: startMs + skewMsMax + 1 }), {}, 'clock'],
    ['a lift from tomorrow', unbanWord({ atMs: startMs + dayMs }), {}, 'clock'],
    ['a ban that waited for an hour', banWord({ atMs: startMs - hourMs / 2 }), {}, 'enforce'],
    ['a ban from before it joined', banWord(), { member: memberOf('web7', { sinceMs: startMs + 1 }) }, 'before-epoch'],
    ['a ban since its key was lost', banWord(), { member: memberOf('web7', { revokedAtMs: startMs }) }, 'revoked-node'],
    [
      'a ban from before its key was lost',
      banWord(),
      { member: memberOf('web7', { revokedAtMs: startMs + 1 }) },
      'enforce',
    ],
    ['a ban of who is protected', banWord(), { protection: () => 'it is the default gateway' }, 'protected'],
    ['a lift of who is protected', unbanWord(), { protection: () => 'it is the default gateway' }, 'enforce'],
    ['a ban of everybody', banWord({ ip: '0.0.0.0/0' }), {}, 'too-wide'],
    ['a ban of half of everybody, by an operator', banWord({ ip: '128.0.0.0/1' }), { level: 'operator' }, 'too-wide'],
    ['a ban of a /24', banWord({ ip: '203.0.113.0/24' }), {}, 'enforce'],
    ['a ban of a /23', banWord({ ip: '203.0.112.0/23' }), {}, 'too-wide'],
    ['a ban of a /16 by an operator', banWord({ ip: '203.0.0.0/16' }), { level: 'operator' }, 'enforce'],
    ['a ban of a /48', banWord({ ip: '2001:db8::/48' }), {}, 'enforce'],
    ['a ban of a /47', banWord({ ip: '2001:db8::/47' }), {}, 'too-wide'],
    ['a ban of a /24 by nobody in particular', banWord({ ip: '203.0.113.0/24' }), { level: 'anonymous' }, 'too-wide'],
    ['a ban of a /64 by nobody in particular', banWord({ ip: '2001:db8::/64' }), { level: 'anonymous' }, 'too-wide'],
    ['a ban of ourselves', banWord({ ip: '127.0.0.1' }), {}, 'nobodys-address'],
    ['a ban of ourselves, IPv6', banWord({ ip: '::1' }), {}, 'nobodys-address'],
    ['a ban of neighbours on a link', banWord({ ip: 'fe80::1' }), {}, 'nobodys-address'],
    ['a ban of a group', banWord({ ip: '224.0.0.251' }), {}, 'nobodys-address'],
    ['a ban of everybody on a link', banWord({ ip: '255.255.255.255' }), {}, 'nobodys-address'],
    ['a ban of a private address', banWord({ ip: '10.0.0.1' }), {}, 'enforce'],
    ['a ban of a canary', banWord({ ip: '198.51.100.7' }), {}, 'canary'],
    ['a ban too many', banWord(), { population: { ofNode: 20_000, ofFleet: 20_000, isKnown: false } }, 'population'],
    [
      'one of as many as it may have',
      banWord(),
      { population: { ofNode: 20_000, ofFleet: 20_000, isKnown: true } },
      'enforce',
    ],
    ['a lift too many', unbanWord(), { population: { ofNode: 20_000, ofFleet: 20_000, isKnown: false } }, 'population'],
    [
      'a ban too many for the fleet',
      banWord(),
      { population: { ofNode: 0, ofFleet: 1_000_000, isKnown: false } },
      'fleet-population',
    ],
  ] satisfies [string, Word, About, string][]) {
    it(`${what}: ${expected}`, () => assert.equal(once(word, about), expected))
  }
})

describe('how long a ban of a member lasts', () => {
  for (const [what, word, about, expected] of [
    ['as long as it says', banWord(), {}, hourMs],
    ['seven days when it is permanent', banWord({ untilMs: undefined }), {}, 7 * dayMs],
    ['a day when it is of a partner', banWord({ untilMs: startMs + 9 * dayMs }), { level: 'partner' }, dayMs],
    ['half an hour when it is of nobody in particular', banWord(), { level: 'anonymous' }, hourMs / 2],
    ['for ever when an operator says so', banWord({ untilMs: undefined }), { level: 'operator' }, 'enforce'],
    [
      'no longer because of a clock that is ahead',
      banWord({ atMs: startMs + skewMsMax, untilMs: undefined }),
      {},
      7 * dayMs,
    ],
    ['counted from when it was told', banWord({ atMs: startMs - hourMs, untilMs: undefined }), {}, 7 * dayMs - hourMs],
  ] satisfies [string, Word, About, number | string][])
    it(what, () => assert.equal(lasts(word, about), expected))
})

const nth = (n: number) => banWord({ seq: n + 1, ip: `203.0.${113 + (n >> 8)}.${n & 255}` })

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

it('other rules hold from the next word on, and forgive nobody', () => {
  const judge = new Judge({ canaries: [ip('198.51.100.7')] })
  judge.confine('web9', startMs)
  judge.use({
    limits: limitsOf({ own: { burst: 1 } }),
    ofMembers: new Map([['web8', { burst: 2, prefix4Min: 32 }]]),
    canaries: [ip('203.0.113.99')],
  })
  const told = (node: string, ips: string[]) => ips.map((text) => shown(judged(judge, banWord({ node, ip: text }))))
  assert.deepEqual(told('web7', ['198.51.100.7', '203.0.113.1']), ['enforce', 'hold'])
  assert.deepEqual(told('web8', ['198.51.100.0/24', '203.0.113.1', '203.0.113.2', '203.0.113.3']), [
    'too-wide',
    'enforce',
    'enforce',
    'hold',
  ])
  assert.deepEqual(told('web9', ['203.0.113.99', '203.0.113.1']), ['canary', 'hold'])
})

it('limits are the defaults where the configuration says nothing', () => {
  const limits = limitsOf({ own: { burst: 9000 } })
  assert.deepEqual(limits, { ...limitsByDefault, own: { ...limitsByDefault.own, burst: 9000 } })
})
