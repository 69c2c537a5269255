import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { enrolment, newEpoch, revocation } from './certificate.js'
import type { Level, Member } from './member.js'
import { publicKeyText } from './message/key.js'
import { open, seal } from './message/message.js'
import { banWord, keysOf, startMs } from './message/message-kit.js'
import { Roster } from './roster.js'
import type { Parcel } from './transport.js'

const fleet = 'example'
const roots = new Map([
  ['boss', keysOf('boss').publicKey],
  ['chief', keysOf('chief').publicKey],
])
const empty = () => new Roster({ fleet, roots })
const by = (atMs: number, node = 'boss', seq = 1) => ({ fleet, node, key: keysOf(node).privateKey, seq, atMs })
const joins = (name: string, atMs: number, more: { key?: string; level?: Level } = {}, node = 'boss') =>
  enrolment(
    { name, publicKey: keysOf(more.key ?? name).publicKey, level: more.level ?? 'own', sinceMs: atMs },
    by(atMs, node),
  )
const leaves = (name: string, atMs: number, fromMs = 0) => revocation({ name, fromMs }, by(atMs))
const after = (...parcels: Parcel[]) => {
  const roster = empty()
  for (const parcel of parcels) roster.apply(parcel)
  return roster
}
const shown = (member: Member | undefined) => member && { ...member, publicKey: publicKeyText(member.publicKey) }
const outcome = (result: ReturnType<Roster['apply']>) => ('refused' in result ? result.refused : result.kind)

describe('the roster', () => {
  it('knows whom a root has let in, and what he may say', () => {
    assert.deepEqual(shown(after(joins('web7', startMs)).memberOf('web7')), {
      name: 'web7',
      publicKey: publicKeyText(keysOf('web7').publicKey),
      level: 'own',
      sinceMs: startMs - 600_000,
      revokedAtMs: undefined,
    })
    assert.equal(empty().memberOf('web7'), undefined)
    assert.equal(empty().memberOf('boss')?.level, 'operator')
  })

  it('says who is in anew, with another key, also where the revocation of the former one comes later', () => {
    const roster = empty()
    const parcels = [joins('web7', startMs), joins('web7', startMs + 9, { key: 'k2' }), leaves('web7', startMs + 5)]
    const changes = parcels.map((parcel) => roster.apply(parcel))
    assert.deepEqual(
      changes.map((change) => 'kind' in change && change.kind === 'joined' && change.isAnew),
      [false, true, false],
    )
    assert.deepEqual(changes.map(outcome), ['joined', 'joined', 'nothing'])
    assert.equal(
      publicKeyText(roster.memberOf('web7')?.publicKey ?? assert.fail()),
      publicKeyText(keysOf('k2').publicKey),
    )
  })

  it('is the same for all who have heard the same, in whatever order and how often', () => {
    const name = fc.constantFrom('web7', 'web8')
    const atMs = fc.integer({ min: startMs, max: startMs + 3 })
    const certificate = fc.oneof(
      fc
        .tuple(name, atMs, fc.constantFrom('k1', 'k2'), fc.constantFrom('boss', 'chief'))
        .map(([n, t, key, root]) => joins(n, t, { key }, root)),
      fc.tuple(name, atMs, fc.constantFrom(0, startMs)).map(([n, t, from]) => leaves(n, t, from)),
      atMs.map((t) => newEpoch(t - 1, by(t))),
    )
    const all = fc.array(certificate, { maxLength: 12 })
    fc.assert(
      fc.property(all, all, (left, right) => {
        const one = after(...left, ...right)
        const other = after(...right, ...left, ...left)
        assert.deepEqual(other.members().map(shown), one.members().map(shown))
        assert.deepEqual(other.certificates(), one.certificates())
        const copy = after(...one.certificates())
        assert.deepEqual(copy.members().map(shown), one.members().map(shown))
      }),
      { numRuns: 60 },
    )
  })

  it('puts out who is revoked, with all or with what it has told since', () => {
    const roster = after(joins('web7', startMs), leaves('web7', startMs + 10, startMs + 5))
    const member = roster.memberOf('web7')
    assert.equal(member?.revokedAtMs, startMs + 5)
    const place = { fleet, subject: 'bans.web7.batch' }
    const body = seal([banWord({ atMs: startMs + 1 })], { ...place, node: 'web7', key: keysOf('web7').privateKey })
    const result = open(body, { ...place, memberOf: (name) => roster.memberOf(name) })
    // Its words of before are kept by who had them; now they may be anybody's who has found the key, and dated as he likes.
    assert.equal('refused' in result && result.refused, 'revoked-node')
  })

  it('takes a node back with a new key, and its old one never', () => {
    const roster = after(
      joins('web7', startMs),
      leaves('web7', startMs + 1),
      joins('web7', startMs + 2, { key: 'new' }),
    )
    assert.equal(roster.memberOf('web7')?.revokedAtMs, undefined)
    assert.equal(outcome(roster.apply(joins('web7', startMs))), 'nothing')
    assert.equal(shown(roster.memberOf('web7'))?.publicKey, publicKeyText(keysOf('new').publicKey))
  })

  it('voids what was told before an epoch, by whomever', () => {
    const roster = after(joins('web7', startMs), newEpoch(startMs + 5, by(startMs + 6)))
    assert.deepEqual(
      [roster.epochMs, roster.memberOf('web7')?.sinceMs, roster.memberOf('boss')?.sinceMs],
      [startMs + 5, startMs + 5, startMs + 5],
    )
    assert.equal(outcome(roster.apply(joins('web8', startMs))), 'joined')
  })

  const enrolledBoss = after(joins('helper', startMs, { level: 'operator' }))
  const good = joins('web7', startMs)
  const spoilt = Uint8Array.from(good.body)
  spoilt[40] = (spoilt[40] ?? 0) ^ 1
  for (const [what, roster, parcel, expected] of [
    ['a certificate of somebody unknown', empty(), joins('web7', startMs, {}, 'web7'), 'unknown-node'],
    ['a certificate of an enrolled operator', enrolledBoss, joins('web7', startMs, {}, 'helper'), 'unknown-node'],
    ['a certificate of another fleet', new Roster({ fleet: 'other', roots }), good, 'signature'],
    ['a certificate for another node', empty(), { ...good, subject: 'ctl.member.web8' }, 'signature'],
    ['an enrolment that is told as a revocation', empty(), { ...good, subject: 'ctl.revoke.web7' }, 'signature'],
    ['a certificate that was changed', empty(), { ...good, body: spoilt }, 'signature'],
    ['an enrolment of a root', empty(), joins('chief', startMs), 'malformed'],
    ['a revocation of a root', empty(), leaves('chief', startMs), 'malformed'],
    ['a revocation from tomorrow on', empty(), leaves('web7', startMs, startMs + 1), 'malformed'],
    ['an epoch of tomorrow', empty(), newEpoch(startMs + 1, by(startMs)), 'malformed'],
    ["a subject that is not the roster's", empty(), { ...good, subject: 'ctl.mode' }, 'signature'],
    ['one too many', new Roster({ fleet, roots, membersMax: 0 }), good, 'too-large'],
  ] as const)
    it(`refuses ${what}: ${expected}`, () => assert.equal(outcome(roster.apply(parcel)), expected))
})
