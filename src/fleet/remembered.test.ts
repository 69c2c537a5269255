import assert from 'node:assert/strict'
import { it } from 'node:test'
import { parseIp } from '../domain/address.js'
import { enrolment, revocation } from './certificate.js'
import { banWord, keysOf, memberOf, startMs } from './message/message-kit.js'
import { recalled, rememberedText } from './remembered.js'
import { Roster } from './roster.js'
import { Sequences } from './sequence.js'
import { Judge } from './trust/judge.js'

const canary = parseIp('198.51.100.7') ?? assert.fail()

function seen() {
  const sequences = new Sequences()
  sequences.check(banWord({ seq: 7 }), memberOf('web7'), 'live')
  const judge = new Judge({ canaries: [canary] })
  judge.confine('web7', startMs)
  const population = { ofNode: 0, ofFleet: 0, isKnown: false }
  const protection = () => undefined
  const member = memberOf('web8')
  judge.judge(banWord({ node: 'web8' }), {
    member,
    ip: canary,
    nowMs: startMs,
    arrival: 'live',
    population,
    protection,
  })
  return { sequences, judge }
}

it('what is known of members is the same after a restart', () => {
  const before = seen()
  const text = rememberedText(before, startMs)
  const { marks, standings } = recalled(text) ?? assert.fail()
  assert.deepEqual(new Sequences(marks).marks(), before.sequences.marks())
  const judge = new Judge()
  judge.restore(standings)
  assert.deepEqual(judge.quarantined(startMs), [
    {
      node: 'web7',
      quarantine: { cause: 'operator', sinceMs: startMs, isRetroactive: true },
    },
  ])
  assert.equal(rememberedText({ sequences: new Sequences(marks), judge }, startMs), text)
})

it('what cannot be recalled is not half recalled', () => {
  const text = rememberedText(seen(), startMs)
  for (const wrong of ['', 'null', '[]', '{}', '{"version":2,"marks":[],"standings":[]}', text.slice(0, -2)])
    assert.equal(recalled(wrong), undefined)
  const odd = '{"version":1,"marks":[{"node":"../x"},null,7],"standings":[["web7",{"quarantine":7}],["web8"],null]}'
  assert.deepEqual(recalled(odd), { marks: [], standings: new Map() })
})

it('who is out stays out after a restart, although nobody tells of the revocation any more', () => {
  const by = (atMs: number) => ({ fleet: 'example', node: 'boss', key: keysOf('boss').privateKey, seq: 1, atMs })
  const options = { fleet: 'example', roots: new Map([['boss', keysOf('boss').publicKey]]) }
  const { publicKey } = keysOf('web7')
  const joins = enrolment({ name: 'web7', publicKey, level: 'own', sinceMs: startMs }, by(startMs))
  const roster = new Roster(options)
  for (const parcel of [joins, revocation({ name: 'web7', fromMs: 0 }, by(startMs + 1))]) roster.apply(parcel)
  const text = rememberedText({ ...seen(), roster }, startMs)
  const later = new Roster(options)
  for (const parcel of recalled(text)?.certificates ?? []) later.apply(parcel)
  assert.equal(later.memberOf('web7'), undefined)
  later.apply(joins)
  assert.equal(later.memberOf('web7')?.revokedAtMs, 0)
  assert.deepEqual(recalled(text.replace(/"certificates":\[.*/, '"certificates":[7,["x"],null]}'))?.certificates, [])
})
