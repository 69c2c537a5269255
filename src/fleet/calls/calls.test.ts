import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { ManualClock } from '../../../test/kit/manual-clock.js'
import { parseIp } from '../../domain/address.js'
import type { AuditEntry } from '../audit-entry.js'
import type { Member } from '../member.js'
import { keysOf, memberOf, startMs } from '../message/message-kit.js'
import { sealStatement } from '../message/statement.js'
import type { Parcel } from '../transport.js'
import { Answering } from './answering.js'
import { type DrillOrder, newAnswer, newCall } from './call.js'
import { type Answered, Calling } from './calling.js'
import { isTestAddress, testAddresses } from './test-net.js'

const fleet = 'example'
const facts = { version: '0.1.0', live: 3, enforced: 2, simulates: false, mode: 'enforce' } as const
const members = new Map<string, Member>(['here', 'web7', 'web8'].map((name) => [name, memberOf(name)]))
const signer = (node: string, atMs = startMs) => ({ fleet, node, key: keysOf(node).privateKey, atMs })
const order = (ip = '203.0.113.9', forMs = 10_000): DrillOrder => ({ ip: parseIp(ip) ?? assert.fail(ip), forMs })
let count = 0
const freshId = () => `call-0000000000-${++count}`
const call = (drill?: DrillOrder, by = 'web7', id = freshId()) => newCall({ id, drill }, signer(by))

/** `here`, which answers. */
function answering() {
  const clock = new ManualClock(startMs)
  const entries: AuditEntry[] = []
  const drilled: string[] = []
  const sent: Parcel[] = []
  const it = new Answering({
    ...signer('here'),
    clock,
    memberOf: (name) => members.get(name),
    audit: { write: (entry) => void entries.push(entry) },
    publish: async (parcel) => void sent.push(parcel),
    facts: () => facts,
    drill: async ({ ip }, { name }) => {
      drilled.push(`${name} ${ip.text}`)
      return { result: 'closed' }
    },
  })
  const answers = () => sent.map(({ subject, body }) => ({ subject, ...JSON.parse(Buffer.from(body).toString()).p }))
  const reports = () => answers().map(({ drill }) => drill?.reason ?? drill?.result)
  return { clock, entries, drilled, sent, answers, reports, hear: (parcel: Parcel) => it.hear(parcel) }
}

/** `here`, which has asked web7 and web8. */
async function asking() {
  const clock = new ManualClock(startMs)
  const sent: Parcel[] = []
  const seen: string[] = []
  const it = new Calling({
    ...signer('here'),
    clock,
    memberOf: (name) => members.get(name),
    publish: async (parcel) => void sent.push(parcel),
    onAnswer: (node) => seen.push(node),
  })
  let result: ReadonlyMap<string, Answered> | undefined
  const over = it.call({ expected: new Set(['web7', 'web8']), patienceMs: 5000 }).then((answers) => {
    result = answers
  })
  await setImmediate()
  const of: string = JSON.parse(Buffer.from(sent[0]?.body ?? '').toString()).p.id
  const answer = (by: string, id = of) => newAnswer('here', { of: id, tookMs: 1, facts, drill: undefined }, signer(by))
  return {
    clock,
    seen,
    answer,
    over,
    names: () => result && [...result.keys()],
    hear: (parcel: Parcel) => it.hear(parcel),
  }
}

describe('whoever is called', () => {
  it('answers to who has asked, and drills with him', async () => {
    const { hear, answers, drilled, entries } = answering()
    await hear(call(undefined))
    await hear(call(order()))
    assert.deepEqual(
      answers().map(({ subject, drill, facts: told }) => [subject, drill, told]),
      [
        ['answer.web7.here', undefined, facts],
        ['answer.web7.here', { result: 'closed' }, facts],
      ],
    )
    assert.deepEqual(drilled, ['web7 203.0.113.9'])
    assert.deepEqual(
      entries.map(({ outcome, detail }) => `${outcome} ${detail}`),
      ['accepted drill with 203.0.113.9 for 10 s'],
    )
  })

  it('drills with single addresses for documentation only, for 1 to 60 seconds, as of now', async () => {
    const { hear, drilled, reports, entries, clock } = answering()
    for (const [ip, forMs] of [
      ['198.51.100.0/24', 10_000],
      ['9.9.9.9', 10_000],
      ['2001:db8::1', 10_000],
      ['127.0.0.1', 10_000],
      ['203.0.113.9', 60_001],
      ['203.0.113.9', 0],
      ['203.0.113.9', -5],
    ] as const)
      await hear(call(order(ip, forMs)))
    clock.turn(601_000)
    await hear(call(order()))
    assert.deepEqual(drilled, [])
    assert.equal(reports().length, 8)
    assert.ok(entries.every(({ outcome, reason }) => outcome === 'refused' && reason === 'drill'))
    assert.match(reports().join(), /RFC 5737.*1 to 60 seconds.*10 minutes away from our clock/)
  })

  it('drills a few times a minute with each member, and does not look at what is beyond 30 calls at once', async () => {
    const { hear, drilled, reports, sent, clock } = answering()
    for (let n = 0; n < 1000; n++) await hear(call(order()))
    assert.equal(drilled.length, 3)
    assert.equal(sent.length, 30)
    assert.equal(reports().at(-1), 'more than 6 drills a minute')
    await hear(call(order(), 'web8'))
    assert.equal(drilled.at(-1), 'web8 203.0.113.9')
    clock.turn(10_000)
    await hear(call(order()))
    assert.equal(drilled.length, 5)
  })

  it('hears no stranger, no forger, and nothing twice', async () => {
    const { hear, sent, entries } = answering()
    const { body } = call(order())
    await hear({ subject: 'call.nobody', body })
    await hear({ subject: 'call.web8', body })
    await hear({ subject: 'call.web7', body: Buffer.from('{}') })
    const content = { id: freshId(), drill: { ip: '203.0.113.9' } }
    const subject = 'call.web7'
    await hear({ subject, body: sealStatement({ seq: 1, atMs: startMs, content }, { ...signer('web7'), subject }) })
    assert.deepEqual(
      entries.map(({ reason }) => reason),
      ['foreign-subject', 'unsigned', 'malformed'],
    )
    const same = call(undefined)
    for (let n = 0; n < 3; n++) await hear(same)
    assert.equal(sent.length, 1)
  })
})

describe('whoever calls', () => {
  it('waits until all have answered', async () => {
    const { hear, answer, over, names } = await asking()
    hear(answer('web7'))
    hear(answer('web8'))
    await over
    assert.deepEqual(names(), ['web7', 'web8'])
  })

  it('takes the first answer of each, and none that is forged, for another call, or too late', async () => {
    const { hear, answer, over, names, seen, clock } = await asking()
    hear({ ...answer('web7'), subject: 'answer.here.web8' })
    hear(answer('web7', 'call-that-was-never'))
    hear({ ...answer('web8'), subject: 'answer.web7.web8' })
    hear(answer('web7'))
    hear(answer('web7'))
    await setImmediate()
    assert.equal(names(), undefined)
    clock.turn(5000)
    await over
    assert.deepEqual(names(), ['web7'])
    hear(answer('web8'))
    assert.deepEqual([names(), seen], [['web7'], ['web7', 'web8']])
    clock.turn(5000)
    hear(answer('web8'))
    assert.equal(seen.length, 2)
  })
})

it('there are 762 addresses to drill with, and no other is one', () => {
  const all = [...testAddresses(() => 0.999)]
  assert.deepEqual([all.length, new Set(all.map(({ text }) => text)).size], [762, 762])
  assert.ok(all.every(isTestAddress))
  for (const text of ['203.0.113.0/24', '203.0.112.9', '192.0.3.1', '2001:db8::1'])
    assert.equal(isTestAddress(parseIp(text) ?? assert.fail()), false)
})
