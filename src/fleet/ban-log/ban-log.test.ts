import assert from 'node:assert/strict'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { ManualClock } from '../../../test/kit/manual-clock.js'
import { RecordingLog } from '../../../test/kit/recording-log.js'
import { waitUntil } from '../../../test/kit/wait-until.js'
import { parseIp } from '../../domain/address.js'
import type { AuditEntry } from '../audit-entry.js'
import { enrolment } from '../certificate.js'
import { seal } from '../message/message.js'
import { banWord, keysOf, sightingWord, startMs, unbanWord } from '../message/message-kit.js'
import { bansSubject, sightSubject } from '../message/subject.js'
import { Reception } from '../reception.js'
import { Roster } from '../roster.js'
import { Sequences } from '../sequence.js'
import type { Parcel } from '../transport.js'
import { Judge } from '../trust/judge.js'
import type { BanWord, Word } from '../word.js'
import { parsePlainLine } from './plain-line.js'
import { BanLogTransport, type LogFollower } from './transport.js'

const fleet = 'example'

function parcelOf(word: Word, { by = word.node, of = fleet }: { by?: string; of?: string } = {}): Parcel {
  const ip = parseIp(word.ip)
  assert.ok(ip)
  const subject = word.kind === 'sighting' ? sightSubject(word.node, undefined) : bansSubject(word.node, ip)
  return { subject, body: seal([word], { fleet: of, subject, node: word.node, key: keysOf(by).privateKey }) }
}

describe('the shared log', () => {
  let dir: string
  let file: string
  let clock: ManualClock
  let log: RecordingLog
  let open: BanLogTransport[]

  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'tocsin-ban-log-'))
    file = path.join(dir, 'newbans.log')
    clock = new ManualClock(startMs)
    log = new RecordingLog()
    open = []
  })
  afterEach(async () => {
    await Promise.all(open.map((one) => one.close()))
    rmSync(dir, { recursive: true, force: true })
  })

  /** A node that reads only what it is given. */
  async function node(name: string, { isPlain = false, files = file } = {}) {
    let follower: LogFollower | undefined
    const transport = new BanLogTransport({
      path: files,
      node: name,
      isPlain,
      clock,
      log,
      pid: 81,
      portOf: (jail) => (jail === 'sshd' ? 22 : 0),
      follow: (_, given) => {
        follower = given
        return { close: () => Promise.resolve() }
      },
    })
    open.push(transport)
    const bans: string[] = []
    const plain: string[] = []
    const entries: AuditEntry[] = []
    const events: string[] = []
    const reception = new Reception({
      fleet,
      self: name,
      roster: new Roster({ fleet, roots: new Map([['boss', keysOf('boss').publicKey]]) }),
      sequences: new Sequences(),
      judge: new Judge(),
      audit: { write: (entry) => void entries.push(entry) },
      clock,
      log,
      protection: (ip) => (ip.text === '192.0.2.1' ? 'it is the gateway' : undefined),
      population: () => ({ ofNode: 0, ofFleet: 0, isKnown: false }),
      onWord: ({ word, effect }) => bans.push(`${word.kind} ${word.ip} of ${word.node} ${effect}`),
      onRoster: () => {},
      onStatement: () => {},
    })
    if (!isPlain)
      for (const member of ['web1', 'web2', 'web7'])
        reception.hear(
          enrolment(
            { name: member, publicKey: keysOf(member).publicKey, level: 'own', sinceMs: startMs },
            { fleet, node: 'boss', key: keysOf('boss').privateKey, seq: 1, atMs: startMs },
          ),
          'catch-up',
        )
    entries.length = 0
    await transport.start({
      onParcel: (parcel) => reception.hear(parcel, 'live'),
      onPlain: (ban, arrival) => {
        plain.push(`${ban.ip.text} ${arrival} ${ban.atMs - startMs}`)
        reception.hearPlain(ban, arrival)
      },
      onConnected: () => events.push('connected'),
      onDisconnected: (reason) => events.push(`disconnected: ${reason}`),
    })
    const catching = transport.catchUp((parcel) => reception.hear(parcel, 'catch-up'))
    await waitUntil(() => follower !== undefined || events[0] !== 'connected', 'the log is followed')
    const give = (text: string, isLive = true) => follower?.onLines(text, isLive)
    return {
      transport,
      bans,
      plain,
      events,
      give,
      /** What was there already is over. */
      live: async () => {
        follower?.onLive()
        await catching
      },
      reasons: () => entries.map(({ outcome, reason, isProven }) => `${reason ?? outcome}${isProven ? '' : '?'}`),
    }
  }

  const written = () => readFileSync(file, 'utf8')

  /** The line that a node writes for it. */
  async function lineOf(word: Word, options: { by?: string; of?: string } = {}): Promise<string> {
    const before = sizeOf(file)
    const one = await node('writer')
    const told = one.transport.publish(parcelOf(word, options))
    await waitUntil(() => sizeOf(file) > before, 'it is written')
    const line = written().slice(before)
    await one.live()
    one.give(line)
    await told
    return line
  }

  it('carries a ban as a line that everybody reads', async () => {
    const word = banWord({ node: 'web1', seq: 7, jail: 'odd jail. é' })
    const line = await lineOf(word)
    assert.match(line, /^Nov 21 \d\d:00:00 tocsin\.web1\.\S+\[81\]: HOST 203\.0\.113\.9 PORT 0\n$/)
    assert.ok(line.length < 260, `${line.length} bytes`)
    assert.equal(parsePlainLine(line.trimEnd(), startMs)?.ip.text, '203.0.113.9')
    const other = await node('web2')
    await other.live()
    other.give(line)
    assert.deepEqual([other.bans, other.plain], [['ban 203.0.113.9 of web1 enforce'], []])
  })

  it('carries everything else as a line that plain readers pass over', async () => {
    const lines = [
      await lineOf(unbanWord({ node: 'web1', seq: 8, jail: 'sshd' })),
      await lineOf(sightingWord({ node: 'web1', seq: 9 })),
    ]
    const other = await node('web2')
    await other.live()
    for (const line of lines) {
      assert.match(line, /tocsin\[81\]: #TELL /)
      assert.equal(parsePlainLine(line.trimEnd(), startMs), undefined)
      other.give(line)
    }
    assert.deepEqual(other.bans, ['unban 203.0.113.9 of web1 enforce', 'sighting 203.0.113.9 of web1 enforce'])
  })

  it('has no effect when anything in a signed line was changed, told again, or signed for elsewhere', async () => {
    const word = banWord({ node: 'web1', seq: 7 })
    const line = await lineOf(word)
    const other = await node('web2')
    await other.live()
    other.give(line.replace('203.0.113.9 ', '203.0.113.8 '))
    other.give(line.replace('tocsin.web1.7.', 'tocsin.web1.8.'))
    other.give(line.replace('tocsin.web1.', 'tocsin.web7.'))
    other.give(line.replace('.sshd.', '.web.'))
    other.give(line.replace(/\.5\./, '.5h.'))
    other.give(await lineOf(word, { of: 'elsewhere' }))
    other.give(await lineOf(word, { by: 'web7' }))
    assert.deepEqual(other.reasons(), Array(7).fill('signature?'))
    other.give(await lineOf(banWord({ node: 'stranger', seq: 7 })))
    assert.equal(other.reasons().at(-1), 'unknown-node?')
    assert.deepEqual(other.bans, [])
    other.give(`${line}${line}\r\n${line.replace('\n', '\r\n')}`)
    assert.deepEqual(other.bans, ['ban 203.0.113.9 of web1 enforce'])
  })

  it('keeps to what may be banned, whoever says it', async () => {
    const other = await node('web2')
    await other.live()
    const say = async (more: Partial<BanWord>) => other.give(await lineOf(banWord({ node: 'web1', ...more })))
    await say({ seq: 1, ip: '0.0.0.0/0' })
    await say({ seq: 2, ip: '192.0.2.1' })
    await say({ seq: 3, ip: '203.0.0.0/16' })
    await say({ seq: 4, ip: '127.0.0.1' })
    other.give('HOST 192.0.2.1 PORT 22\nHOST 0.0.0.0 PORT 22\nHOST 0.0.0.0/0 PORT 22\n')
    assert.deepEqual(other.reasons(), [
      'too-wide',
      'protected',
      'too-wide',
      'nobodys-address',
      'protected?',
      'nobodys-address?',
    ])
    assert.deepEqual(other.bans, [])
    assert.equal(other.transport.counts.damaged, 1)
  })

  it('does not tell, and does not hear, what is over', async () => {
    const line = await lineOf(banWord({ node: 'web1', seq: 7, untilMs: startMs + 1000 }))
    clock.turn(1000)
    const other = await node('web2')
    await other.live()
    other.give(line)
    await other.transport.publish(parcelOf(banWord({ node: 'web2', untilMs: startMs + 1000 })))
    assert.equal(written(), line)
    assert.deepEqual([other.bans, other.transport.counts.over], [[], 1])
  })

  it('lets nobody in particular ban ten a minute, for half an hour since the line', async () => {
    const other = await node('web2')
    other.give('HOST 203.0.113.1 PORT 22\n', false)
    other.give(`Nov 21 ${hour(startMs - 1_799_000)} root[1]: HOST 203.0.113.2 PORT 22\n`, false)
    other.give(`Nov 21 ${hour(startMs - 1_800_000)} root[1]: HOST 203.0.113.3 PORT 22\n`, false)
    other.give(`Nov 21 ${hour(startMs + 3_600_000)} root[1]: HOST 203.0.113.4 PORT 22\n`, false)
    await other.live()
    other.give(`Nov 21 ${hour(startMs + 3_600_000)} root[1]: HOST 203.0.113.5 PORT 22\n`)
    other.give('HOST 203.0.113.6 PORT 0:65535\n')
    assert.deepEqual(other.plain, ['203.0.113.2 catch-up -1799000', '203.0.113.5 live 0'])
    assert.deepEqual([other.transport.counts.old, other.transport.counts.echoes], [3, 1])
    for (let i = 0; i < 60; i++) other.give(`HOST 198.51.100.${i} PORT 22\n`)
    await waitUntil(() => other.plain.length === 62, 'all is read')
    assert.equal(other.bans.length, 31)
    clock.turn(60_000)
    for (let i = 0; i < 60; i++) other.give(`HOST 198.51.100.${100 + i} PORT 22\n`)
    await waitUntil(() => other.plain.length === 122, 'all is read')
    assert.equal(other.bans.length, 41)
  })

  it('writes again what was torn, on a line of its own, until it can be read', async () => {
    const one = await node('web1')
    await one.live()
    const told = one.transport.publish(parcelOf(banWord({ node: 'web1' })))
    await waitUntil(() => sizeOf(file) > 0, 'it is written')
    const line = written()
    one.give(`${line.slice(0, 40)}${line}`)
    clock.turn(8000)
    await waitUntil(() => written().length > line.length, 'it is written again')
    assert.equal(written(), `${line}\n${line}`)
    one.give(line)
    await told
    assert.equal(one.transport.counts.damaged, 1)
  })

  it('does not fill the disk when what it writes can never be read', async () => {
    const one = await node('web1')
    await one.live()
    const told = one.transport.publish(parcelOf(banWord({ node: 'web1' })))
    for (let size = 0, i = 0; i < 3; i++) {
      await waitUntil(() => sizeOf(file) > size, `it is written, time ${i}`)
      size = sizeOf(file)
      clock.turn(8000)
    }
    await told
    assert.equal(written().match(/HOST/g)?.length, 3)
    assert.match(log.lines.join(), /cannot be read from it again/)
  })

  it('goes on trying where the share is not there', async () => {
    const one = await node('web1', { files: path.join(dir, 'mnt/newbans.log') })
    assert.match(one.events.join(), /^disconnected: ENOENT/)
    mkdirSync(path.join(dir, 'mnt'))
    clock.turn(2000)
    await waitUntil(() => one.events.includes('connected'), 'it is connected')
    rmSync(path.join(dir, 'mnt'), { recursive: true })
    await assert.rejects(one.transport.publish(parcelOf(banWord({ node: 'web1' }))), /ENOENT/)
    assert.equal(one.transport.state.connected, false)
  })

  it('follows no link that somebody has put there', async () => {
    writeFileSync(path.join(dir, 'precious'), '')
    symlinkSync(path.join(dir, 'precious'), file)
    const one = await node('web1')
    assert.match(one.events.join(), /^disconnected: ELOOP/)
  })

  it('is read from the file before the rotation, too', async () => {
    const line = await lineOf(banWord({ node: 'web1', seq: 7 }))
    renameSync(file, `${file}.1`)
    const late = await node('web2')
    await late.live()
    assert.deepEqual(late.bans, ['ban 203.0.113.9 of web1 enforce'])
    late.give(line)
    assert.equal(late.bans.length, 1)
  })

  it('keeps what an operator has signed for those who come later', async () => {
    const certificate = enrolment(
      { name: 'web9', publicKey: keysOf('web9').publicKey, level: 'own', sinceMs: startMs },
      { fleet, node: 'boss', key: keysOf('boss').privateKey, seq: 2, atMs: startMs },
    )
    const one = await node('web1')
    await one.live()
    const told = one.transport.publish(certificate)
    await waitUntil(() => sizeOf(file) > 0, 'it is written')
    one.give(written())
    await told
    assert.deepEqual(readdirSync(`${file}.fleet`), ['ctl.member.web9'])
    writeFileSync(`${file}.fleet/ctl.member.web7`, 'nonsense')
    writeFileSync(`${file}.fleet/readme`, 'nonsense')
    writeFileSync(file, '')
    const late = await node('web2')
    await late.live()
    late.give(await lineOf(banWord({ node: 'web9', seq: 1 })))
    assert.deepEqual(late.bans, ['ban 203.0.113.9 of web9 enforce'])
  })

  it('is read by a machine without keys as by a Fail2ban node, and written for it', async () => {
    const line = await lineOf(banWord({ node: 'web1', seq: 7 }))
    const one = await node('alone', { isPlain: true })
    await one.live()
    one.give(line)
    assert.deepEqual(one.bans, ['ban 203.0.113.9 of (anybody) enforce'])
    const before = written()
    await one.transport.publish(parcelOf(unbanWord({ node: 'alone' })))
    assert.equal(written(), before)
    const told = one.transport.publish(parcelOf(banWord({ node: 'alone', ip: '203.0.113.77' })))
    await waitUntil(() => written() !== before, 'it is written')
    const own = written().slice(before.length)
    assert.match(own, / tocsin\.alone\[81\]: HOST 203\.0\.113\.77 PORT 22\n$/)
    one.give(own)
    await told
    one.give(own, false)
    assert.deepEqual([one.plain.length, one.transport.counts.own], [1, 2])
  })

  it('survives whatever is written into it, with bounds', async () => {
    const line = await lineOf(banWord({ node: 'web1', seq: 7 }))
    const other = await node('web2')
    await other.live()
    const forged = line.replace('203.0.113.9', '203.0.113.8')
    const startedCpu = process.cpuUsage()
    other.give(`${'HOST 203.0.113.1 PORT 22 '.repeat(40_000)}\n`)
    other.give(`${'\0'.repeat(1 << 20)}\n${'HOST '.repeat(200_000)}\n`)
    other.give(`Nov 21 11:59:00 tocsin.${'a.'.repeat(100_000)}\n`)
    for (let i = 0; i < 100; i++) other.give('HOST 203.0.113.1 PORT 22 HOST 1.1.1.1 PORT\n'.repeat(1000))
    let turns = 0
    const counting = setInterval(() => turns++, 0)
    other.give(forged.repeat(2000))
    // Until then the loop turns.
    await waitUntil(() => other.reasons().length === 2000, 'all of it is read')
    clearInterval(counting)
    other.give(line)
    await waitUntil(() => other.bans.length > 0, 'what is good comes through')
    assert.deepEqual(other.bans, ['ban 203.0.113.9 of web1 enforce'])
    assert.ok(turns > 20, `the event loop has turned ${turns} times`)
    const { user, system } = process.cpuUsage(startedCpu)
    assert.ok(user + system < 10e6, `${(user + system) / 1e6} s of CPU`)
    // More than there is room for: the daemon lives.
    for (let i = 0; i < 12; i++) other.give('#\n'.repeat(1 << 19))
    assert.ok((other.transport.counts.dropped ?? 0) > 0)
  })
})

function hour(timeMs: number): string {
  return new Date(timeMs).toTimeString().slice(0, 8)
}

function sizeOf(file: string): number {
  try {
    return readFileSync(file).length
  } catch {
    return 0
  }
}
