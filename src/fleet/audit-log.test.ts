import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { ManualClock } from '../../test/kit/manual-clock.js'
import { RecordingLog } from '../../test/kit/recording-log.js'
import { tempDir } from '../../test/kit/temp-dir.js'
import type { AuditEntry } from './audit-entry.js'
import { AuditLog } from './audit-log.js'
import { readAudit } from './audit-reader.js'
import { banWord, sightingWord, startMs } from './message/message-kit.js'

function setUp(bytesMax = 1 << 20) {
  const directory = tempDir()
  const file = path.join(directory, 'fleet.log')
  const clock = new ManualClock(startMs)
  const log = new RecordingLog()
  const audit = new AuditLog({ path: file, clock, log, bytesMax })
  const read = (question = {}) => {
    audit.flush()
    return readAudit(file, { countMax: 10_000, ...question })
  }
  return { directory, file, clock, log, audit, read }
}

const accepted = (more: Partial<AuditEntry> = {}): AuditEntry => ({
  timeMs: startMs,
  outcome: 'accepted',
  node: 'web7',
  isProven: true,
  subject: 'bans.web7.4.203.0.113.9',
  word: banWord(),
  hash: '00ff',
  ...more,
})
const refused = (more: Partial<AuditEntry> = {}) =>
  accepted({ outcome: 'refused', reason: 'too-wide', detail: '/0 is wider than the /24 it may ban', ...more })

describe('the audit log', () => {
  it('has nothing of the time in which it is switched off', () => {
    const { file, clock, log } = setUp()
    let isOn = false
    const audit = new AuditLog({ path: file, clock, log, isOn: () => isOn })
    audit.write(accepted())
    isOn = true
    audit.write(refused())
    audit.close()
    assert.deepEqual(
      readAudit(file, { countMax: 9 }).map(({ outcome }) => outcome),
      ['refused'],
    )
  })

  it('has a line for each word, with what became of it', () => {
    const { audit, read } = setUp()
    audit.write(accepted())
    audit.write(refused({ word: sightingWord(), node: 'web8' }))
    audit.write({
      timeMs: startMs,
      outcome: 'refused',
      node: undefined,
      isProven: false,
      reason: 'unsigned',
      subject: 'x',
    })
    const [first, second, third] = read()
    assert.deepEqual(first, {
      timeMs: startMs,
      outcome: 'accepted',
      node: 'web7',
      isProven: true,
      subject: 'bans.web7.4.203.0.113.9',
      kind: 'ban',
      ip: '203.0.113.9',
      jail: 'sshd',
      untilMs: startMs + 3_600_000,
      seq: 48_211,
      hash: '00ff',
    })
    assert.deepEqual(
      [second?.reason, second?.kind, third?.reason, third?.node],
      ['too-wide', 'sighting', 'unsigned', undefined],
    )
  })

  it('is asked for a node, for refusals, for the newest', () => {
    const { audit, read } = setUp()
    for (let seq = 1; seq <= 6; seq++)
      audit.write((seq % 2 === 0 ? refused : accepted)({ node: seq < 4 ? 'web7' : 'web8', word: banWord({ seq }) }))
    const numbers = (question: object) => read(question).map(({ seq }) => seq)
    assert.deepEqual(numbers({ node: 'web8' }), [4, 5, 6])
    assert.deepEqual(numbers({ refusedOnly: true }), [2, 4, 6])
    assert.deepEqual(numbers({ node: 'web7', refusedOnly: true }), [2])
    assert.deepEqual(numbers({ countMax: 2 }), [5, 6])
  })

  it('lets no text end its line, control a terminal or turn what follows around', () => {
    const { audit, file, read } = setUp()
    const detail = 'a\nb\x1b[2J\x7f\x9b\u202e\u2028\ufeff\u{e0001}\ud800"c'
    audit.write(refused({ detail, subject: 'x'.repeat(100_000) }))
    assert.equal(read()[0]?.detail, detail)
    const text = readFileSync(file, 'utf8')
    assert.match(text, /^[\x20-\x7e]+\n$/)
    assert.ok(text.length < 1000)
  })

  it('counts under a flood, and tells how many there were', () => {
    const { audit, clock, read } = setUp()
    for (let n = 0; n < 100_000; n++) audit.write(refused())
    for (let n = 0; n < 500; n++) audit.write(accepted({ node: 'web8' }))
    assert.equal(read().length, 20 + 120)
    clock.turn(60_000)
    const summaries = read().slice(140)
    assert.deepEqual(
      summaries.map(({ node, reason, more, sinceMs }) => ({ node, reason, more, sinceMs })),
      [
        { node: 'web7', reason: 'too-wide', more: 99_980, sinceMs: startMs },
        { node: 'web8', reason: undefined, more: 380, sinceMs: startMs },
      ],
    )
    audit.write(refused())
    assert.equal(read().length, 143)
  })

  it('does not grow with the names that strangers give themselves, nor with members', () => {
    const { audit, clock, read } = setUp()
    for (let n = 0; n < 10_000; n++) audit.write(refused({ node: `x${n}`, isProven: false, reason: 'unknown-node' }))
    assert.equal(read().length, 20)
    for (let n = 0; n < 20_000; n++) audit.write(refused({ node: `n${n % 400}` }))
    for (let n = 0; n < 2000; n++) audit.write(refused({ node: `m${n}` }))
    assert.ok(read().length <= 5000)
    clock.turn(60_000)
    const all = read()
    assert.ok(all.length <= 6100, `${all.length}`)
    const written = all.filter(({ more }) => more === undefined).length
    assert.equal(
      all.reduce((sum, { more = 0 }) => sum + more, written),
      32_000,
    )
  })

  it('has two generations, of bounded size, and is read over both', () => {
    const { audit, clock, directory, read } = setUp(20_000)
    for (let seq = 1; seq <= 1000; seq++) {
      audit.write(accepted({ word: banWord({ seq }) }))
      clock.turn(1000)
    }
    const last = read()
    assert.deepEqual(readdirSync(directory).sort(), ['fleet.log', 'fleet.log.1'])
    for (const name of readdirSync(directory)) assert.ok(statSync(path.join(directory, name)).size <= 20_000)
    const expected = Array.from({ length: last.length }, (_, i) => 1001 - last.length + i)
    assert.ok(last.length > 80)
    assert.deepEqual(
      last.map(({ seq }) => seq),
      expected,
    )
  })

  it('goes on in the same file after a restart, over a torn line', () => {
    const { audit, clock, file, log, read } = setUp()
    audit.write(accepted())
    audit.close()
    appendFileSync(file, '{"timeMs":179526')
    const next = new AuditLog({ path: file, clock, log })
    next.write(accepted({ node: 'web8' }))
    next.close()
    assert.deepEqual(
      read().map(({ node }) => node),
      ['web7', 'web8'],
    )
  })

  it('says once that it cannot be written, and goes on when it can', () => {
    const { audit, file, log, read } = setUp()
    mkdirSync(file)
    for (let n = 0; n < 3; n++) {
      audit.write(accepted())
      audit.flush()
    }
    assert.equal(log.lines.length, 1)
    assert.match(log.lines[0] ?? '', /Cannot write .*fleet\.log: EISDIR/)
    rmdirSync(file)
    audit.write(accepted())
    assert.equal(read().length, 1)
  })

  it('is empty before anything was told', () => {
    assert.deepEqual(setUp().read(), [])
  })
})
