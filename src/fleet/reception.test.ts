import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ManualClock } from '../../test/kit/manual-clock.js'
import { RecordingLog } from '../../test/kit/recording-log.js'
import { type Ip, overlaps, parseIp } from '../domain/address.js'
import type { AuditEntry } from './audit-entry.js'
import { enrolment, newEpoch, revocation } from './certificate.js'
import { seal } from './message/message.js'
import { banWord, keysOf, sightingWord, startMs, unbanWord } from './message/message-kit.js'
import { sealStatement } from './message/statement.js'
import { Reception } from './reception.js'
import { Roster } from './roster.js'
import { Sequences } from './sequence.js'
import { Judge } from './trust/judge.js'
import type { Word } from './word.js'

const fleet = 'example'
const root = (seq = 1, atMs = startMs) => ({ fleet, node: 'boss', key: keysOf('boss').privateKey, seq, atMs })
const joins = (name: string) =>
  enrolment({ name, publicKey: keysOf(name).publicKey, level: 'own', sinceMs: startMs }, root())
const told = (words: Word[], subject = `bans.${words[0]?.node}.batch`, by = words[0]?.node ?? '') => ({
  subject,
  body: seal(words, { fleet, subject, node: words[0]?.node ?? '', key: keysOf(by).privateKey }),
})

/** A node `here` with `web7` and `web8` beside it; its bans are those that it has heard. */
function setUp(guarded: readonly Ip[] = []) {
  const clock = new ManualClock(startMs)
  const log = new RecordingLog()
  const bans = new Map<string, string>()
  const events: string[] = []
  const entries: AuditEntry[] = []
  const judge = new Judge({ onQuarantine: (node, { cause }) => events.push(`quarantine ${node} ${cause}`) })
  const reception = new Reception({
    fleet,
    self: 'here',
    roster: new Roster({ fleet, roots: new Map([['boss', keysOf('boss').publicKey]]) }),
    sequences: new Sequences(),
    judge,
    audit: { write: (entry) => void entries.push(entry) },
    clock,
    log,
    protection: (ip) => guarded.find((one) => overlaps(one, ip))?.text,
    population: (node, ip) => {
      const ofNode = [...bans.keys()].filter((key) => key.startsWith(`${node} `)).length
      return { ofNode, ofFleet: bans.size, isKnown: bans.has(`${node} ${ip.text}`) }
    },
    onWord: ({ word, effect }) => {
      if (word.kind === 'ban') bans.set(`${word.node} ${word.ip}`, effect)
      else events.push(`${word.kind} ${word.ip} ${effect}`)
    },
    onRoster: (change) =>
      events.push(
        change.kind === 'joined' || change.kind === 'revoked' ? `${change.kind} ${change.member.name}` : change.kind,
      ),
    onStatement: (what, { content }) => {
      events.push(`${what} ${JSON.stringify(content)}`)
      return { news: what }
    },
  })
  for (const name of ['here', 'web7', 'web8']) reception.hear(joins(name), 'catch-up')
  events.length = 0
  entries.length = 0
  const reasons = () => entries.map(({ outcome, reason }) => reason ?? outcome)
  return { reception, clock, log, bans, events, entries, reasons, judge }
}

describe('the reception', () => {
  it('takes a line without a signature for the word of nobody in particular', () => {
    const guard = parseIp('192.0.2.1')
    assert.ok(guard)
    const { reception, bans, entries, reasons } = setUp([guard])
    for (const text of ['203.0.113.9', '192.0.2.1', '127.0.0.1']) {
      const ip = parseIp(text)
      assert.ok(ip)
      reception.hearPlain({ ip, atMs: startMs }, 'live')
    }
    assert.deepEqual([...bans], [['(anybody) 203.0.113.9', 'enforce']])
    assert.deepEqual(reasons(), ['accepted', 'protected', 'nobodys-address'])
    assert.ok(entries.every(({ isProven }) => !isProven))
  })

  it('hands on what members say, once, with a line on record for each word', () => {
    const { reception, bans, events, entries } = setUp()
    const parcel = told([banWord({ seq: 1 }), banWord({ seq: 2, ip: '203.0.113.10' })])
    for (let n = 0; n < 3; n++) reception.hear(parcel, 'live')
    reception.hear(told([sightingWord({ seq: 3 })], 'sight.all.web7'), 'live')
    reception.hear(told([unbanWord({ seq: 4 })]), 'live')
    assert.deepEqual(
      [...bans],
      [
        ['web7 203.0.113.9', 'enforce'],
        ['web7 203.0.113.10', 'enforce'],
      ],
    )
    assert.deepEqual(events, ['sighting 203.0.113.9 enforce', 'unban 203.0.113.9 enforce'])
    assert.deepEqual(
      entries.map(({ outcome, node, isProven }) => [outcome, node, isProven]),
      Array(4).fill(['accepted', 'web7', true]),
    )
  })

  it('obeys operators, and nobody else who would be one', () => {
    const { reception, events, reasons } = setUp()
    const say = (subject: string, node: string) => ({
      subject,
      body: sealStatement(
        { seq: 1, atMs: startMs, content: { mode: 'off' } },
        { fleet, subject, node, key: keysOf(node).privateKey },
      ),
    })
    reception.hear(say('ctl.mode', 'web7'), 'live')
    reception.hear(say('ctl.mode', 'boss'), 'live')
    reception.hear(revocation({ name: 'web7', fromMs: 0 }, root(2)), 'live')
    reception.hear(told([banWord()]), 'live')
    reception.hear(newEpoch(startMs, root(3)), 'live')
    assert.deepEqual(events, ['mode {"mode":"off"}', 'revoked web7', 'epoch'])
    assert.deepEqual(reasons(), ['not-an-operator', 'accepted', 'accepted', 'revoked-node', 'accepted'])
  })

  it('is not moved by a hostile member: nobody protected is banned, others keep working, it is named', () => {
    const guarded = ['192.0.2.1', '192.0.2.53', '198.51.100.8'].flatMap((text) => parseIp(text) ?? [])
    const { reception, bans, events, clock, judge } = setUp(guarded)
    let seq = 0
    const says = (ip: string) =>
      reception.hear(told([banWord({ seq: ++seq, ip, atMs: clock.now(), untilMs: undefined })]), 'live')
    const worst = [
      '0.0.0.0/0',
      '::/0',
      '192.0.2.0/24',
      '192.0.2.1',
      '192.0.2.53',
      '198.51.100.8',
      '127.0.0.1',
      '0.0.0.0/1',
      '128.0.0.0/1',
      'fe80::/10',
    ]
    for (const ip of worst) says(ip)
    assert.deepEqual([...bans], [])
    for (let n = 0; n < 3000; n += 100) {
      const words = Array.from({ length: 100 }, (_, i) =>
        banWord({ seq: ++seq, ip: `10.1.${(n + i) >> 8}.${(n + i) & 255}` }),
      )
      reception.hear(told(words), 'live')
    }
    assert.equal([...bans.values()].filter((effect) => effect === 'enforce').length, 300)
    reception.hear(told([banWord({ node: 'web8', seq: 1 })]), 'live')
    assert.equal(bans.get('web8 203.0.113.9'), 'enforce')
    for (const ip of worst) says(ip)
    assert.deepEqual(events, ['quarantine web7 rate', 'quarantine web7 harmful'])
    assert.equal(judge.isHeld('web7', { effect: 'enforce' }, clock.now()), true)
    assert.equal(judge.isHeld('web8', { effect: 'enforce' }, clock.now()), false)
  })

  it("refuses last week, another's subject, another's name and a number told twice", () => {
    const { reception, bans, reasons, log } = setUp()
    const old = told([banWord({ seq: 5, ip: '203.0.113.1' })])
    reception.hear(told([banWord({ seq: 1000 })]), 'live')
    reception.hear(old, 'live')
    reception.hear({ ...old, subject: 'bans.web8.batch' }, 'live')
    reception.hear(told([banWord({ seq: 1, node: 'web8' })], undefined, 'web7'), 'live')
    reception.hear(told([banWord({ seq: 1000, ip: '203.0.113.2' })]), 'live')
    reception.hear({ subject: 'bans.web7.batch', body: Buffer.from('{"stream":"BANS","seq":4}') }, 'live')
    reception.hear({ subject: '_I.here.x', body: old.body }, 'live')
    assert.deepEqual([...bans.keys()], ['web7 203.0.113.9'])
    assert.deepEqual(reasons(), [
      'accepted',
      'older',
      'foreign-subject',
      'signature',
      'conflict',
      'unsigned',
      'foreign-subject',
    ])
    assert.deepEqual(log.lines, [
      "ERROR Two speak with the key of web7, or web7 came back from an old disk image: another word has had its number. 'tocsin fleet revoke web7' puts both out, then one of them joins anew",
    ])
  })

  it('takes what is kept of its own former key for that, and not for an attack', () => {
    const { reception, log } = setUp()
    const former = told([banWord({ node: 'here', seq: 2 })], undefined, 'web7')
    for (let n = 0; n < 9; n++) reception.hear(former, 'catch-up')
    assert.equal(log.lines.length, 1)
    assert.match(
      log.lines[0] ?? '',
      /^WARNING What is kept in our name is refused: its signature is by another key.*before it joined anew/,
    )
  })

  it('notices who speaks in our name, with our key or without it, and says so once an hour', () => {
    const { reception, bans, log, clock } = setUp()
    reception.hear(told([banWord({ node: 'here', seq: 1 })]), 'live')
    reception.hear(told([banWord({ node: 'here', seq: 1, ip: '203.0.113.1' })]), 'live')
    const forged = told([banWord({ node: 'here', seq: 2 })], undefined, 'web7')
    for (let n = 0; n < 9; n++) reception.hear(forged, 'live')
    assert.equal(bans.size, 0)
    assert.equal(log.lines.length, 2)
    assert.match(
      log.lines.join('\n'),
      /Two speak with our own key[\s\S]*told in our name is refused: its signature is by another key/,
    )
    clock.turn(3_600_000)
    reception.hear(forged, 'live')
    assert.equal(log.lines.length, 3)
  })

  it('goes on, and bans nobody protected, whatever bytes come on whatever subject, also from members', () => {
    const guarded = ['192.0.2.1', '2001:db8::1'].flatMap((text) => parseIp(text) ?? [])
    const ip = fc.constantFrom(
      '192.0.2.1',
      '192.0.2.0/24',
      '0.0.0.0/0',
      '2001:db8::/48',
      '203.0.113.9',
      '127.0.0.1',
      '::',
    )
    const word = fc.record({
      ip,
      seq: fc.integer({ min: 1, max: 20 }),
      node: fc.constantFrom('web7', 'here', 'boss', 'no'),
    })
    const parcel = word.map((one) => told([banWord(one)]))
    const subject = fc.constantFrom(
      'bans.web7.batch',
      'bans.web7.4.192.0.2.1',
      'ctl.mode',
      'ctl.epoch',
      'ctl.member.web7',
      'hb.web7',
      'x',
      '',
    )
    const noise = fc.record({ subject, body: fc.uint8Array({ maxLength: 300 }) })
    const torn = fc.tuple(parcel, fc.nat(300), fc.nat(255)).map(([{ subject, body }, at, byte]) => {
      const copy = Uint8Array.from(body)
      copy[at % copy.length] = byte
      return { subject, body: copy }
    })
    const moved = fc.tuple(parcel, subject).map(([{ body }, elsewhere]) => ({ subject: elsewhere, body }))
    fc.assert(
      fc.property(
        fc.array(fc.oneof(parcel, noise, torn, moved), { maxLength: 30 }),
        fc.boolean(),
        (parcels, isLive) => {
          const { reception, bans } = setUp(guarded)
          for (const one of parcels) reception.hear(one, isLive ? 'live' : 'catch-up')
          for (const key of bans.keys()) assert.ok(['web7 203.0.113.9', 'boss 203.0.113.9'].includes(key), key)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('tells of a clock that is wrong', () => {
    const { reception, log } = setUp()
    for (let seq = 1; seq < 9; seq++) reception.hear(told([banWord({ seq, atMs: startMs + 1_200_000 })]), 'live')
    assert.deepEqual(log.lines, [
      'WARNING A word of web7 is refused: it was told 1200 s from now: one of our clocks is wrong',
    ])
  })

  it('takes a snapshot of a member without counting its rate, and of nobody else', () => {
    const { reception, bans, judge } = setUp()
    const words = (node: string) =>
      Array.from({ length: 1000 }, (_, n) => banWord({ node, seq: n + 1, ip: `10.0.${n >> 8}.${n & 255}` }))
    reception.hearSnapshot('web8', words('web7'))
    assert.equal(bans.size, 0)
    for (const node of ['web7', 'here', 'stranger']) reception.hearSnapshot(node, words(node))
    reception.hearSnapshot('web8', [unbanWord({ node: 'web8', everywhere: true })])
    assert.deepEqual([bans.size, new Set(bans.values())], [1000, new Set(['enforce'])])
    assert.ok([...bans.keys()].every((key) => key.startsWith('web7 ')))
    assert.deepEqual(judge.quarantined(startMs), [])
    reception.hear(revocation({ name: 'web8', fromMs: startMs }, root(2)), 'live')
    reception.hearSnapshot('web8', [banWord({ node: 'web8', seq: 2, atMs: startMs - 1 })])
    assert.deepEqual(bans.size, 1000)
  })
})
