import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { banWord, memberOf, sightingWord, startMs, unbanWord } from '../message/message-kit.js'
import type { Word } from '../word.js'
import { Judge, skewMsMax } from './judge.js'
import { type About, dayMs, hourMs, ip, judged, shown } from './judge-kit.js'
import { limitsOf } from './limits.js'

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
