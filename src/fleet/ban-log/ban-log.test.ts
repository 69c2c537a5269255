import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { certificateOf, LogKit, parcelOf } from '../../../test/kit/shared-log.js'
import { waitUntil } from '../../../test/kit/wait-until.js'
import { banWord, sightingWord, startMs, unbanWord } from '../message/message-kit.js'
import type { BanWord } from '../word.js'
import { parsePlainLine } from './plain-line.js'

describe('the shared log', () => {
  let kit: LogKit
  beforeEach(() => {
    kit = new LogKit()
  })
  afterEach(() => kit.end())

  it('carries a ban as a line that everybody reads', async () => {
    const word = banWord({ node: 'web1', seq: 7, jail: 'odd jail. é' })
    const line = await kit.lineOf(word)
    assert.match(line, /^Nov 21 \d\d:00:00 tocsin\.web1\.\S+\[81\]: HOST 203\.0\.113\.9 PORT 0\n$/)
    assert.ok(line.length < 260, `${line.length} bytes`)
    assert.equal(parsePlainLine(line.trimEnd(), startMs)?.ip.text, '203.0.113.9')
    const other = await kit.node('web2')
    await other.live()
    other.give(line)
    assert.deepEqual([other.bans, other.plain], [['ban 203.0.113.9 of web1 enforce'], []])
  })

  it('carries everything else as a line that plain readers pass over', async () => {
    const lines = [
      await kit.lineOf(unbanWord({ node: 'web1', seq: 8, jail: 'sshd' })),
      await kit.lineOf(sightingWord({ node: 'web1', seq: 9 })),
    ]
    const other = await kit.node('web2')
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
    const line = await kit.lineOf(word)
    const other = await kit.node('web2')
    await other.live()
    other.give(line.replace('203.0.113.9 ', '203.0.113.8 '))
    other.give(line.replace('tocsin.web1.7.', 'tocsin.web1.8.'))
    other.give(line.replace('tocsin.web1.', 'tocsin.web7.'))
    other.give(line.replace('.sshd.', '.web.'))
    other.give(line.replace(/\.5\./, '.5h.'))
    other.give(await kit.lineOf(word, { of: 'elsewhere' }))
    other.give(await kit.lineOf(word, { by: 'web7' }))
    assert.deepEqual(other.reasons(), Array(7).fill('signature?'))
    other.give(await kit.lineOf(banWord({ node: 'stranger', seq: 7 })))
    assert.equal(other.reasons().at(-1), 'unknown-node?')
    assert.deepEqual(other.bans, [])
    other.give(`${line}${line}\r\n${line.replace('\n', '\r\n')}`)
    assert.deepEqual(other.bans, ['ban 203.0.113.9 of web1 enforce'])
  })

  it('keeps to what may be banned, whoever says it', async () => {
    const other = await kit.node('web2')
    await other.live()
    const say = async (more: Partial<BanWord>) => other.give(await kit.lineOf(banWord({ node: 'web1', ...more })))
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
    const line = await kit.lineOf(banWord({ node: 'web1', seq: 7, untilMs: startMs + 1000 }))
    kit.clock.turn(1000)
    const other = await kit.node('web2')
    await other.live()
    other.give(line)
    await other.transport.publish(parcelOf(banWord({ node: 'web2', untilMs: startMs + 1000 })))
    assert.equal(kit.written, line)
    assert.deepEqual([other.bans, other.transport.counts.over], [[], 1])
  })

  it('lets nobody in particular ban ten a minute, for half an hour since the line', async () => {
    const other = await kit.node('web2')
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
    kit.clock.turn(60_000)
    for (let i = 0; i < 60; i++) other.give(`HOST 198.51.100.${100 + i} PORT 22\n`)
    await waitUntil(() => other.plain.length === 122, 'all is read')
    assert.equal(other.bans.length, 41)
  })

  it('writes again what was torn, on a line of its own, until it can be read', async () => {
    const one = await kit.node('web1')
    await one.live()
    const told = one.transport.publish(parcelOf(banWord({ node: 'web1' })))
    await waitUntil(() => kit.written.length > 0, 'it is written')
    const line = kit.written
    one.give(`${line.slice(0, 40)}${line}`)
    kit.clock.turn(8000)
    await waitUntil(() => kit.written.length > line.length, 'it is written again')
    assert.equal(kit.written, `${line}\n${line}`)
    one.give(line)
    await told
    assert.equal(one.transport.counts.damaged, 1)
  })

  it('does not fill the disk when what it writes can never be read', async () => {
    const one = await kit.node('web1')
    await one.live()
    const told = one.transport.publish(parcelOf(banWord({ node: 'web1' })))
    for (let size = 0, i = 0; i < 3; i++) {
      await waitUntil(() => kit.written.length > size, `it is written, time ${i}`)
      size = kit.written.length
      kit.clock.turn(8000)
    }
    await told
    assert.equal(kit.written.match(/HOST/g)?.length, 3)
    assert.match(kit.log.lines.join(), /cannot be read from it again/)
  })

  it('goes on trying where the share is not there', async () => {
    const one = await kit.node('web1', { file: path.join(kit.dir, 'mnt/newbans.log') })
    assert.match(one.events.join(), /^disconnected: ENOENT/)
    mkdirSync(path.join(kit.dir, 'mnt'))
    kit.clock.turn(2000)
    await waitUntil(() => one.events.includes('connected'), 'it is connected')
    rmSync(path.join(kit.dir, 'mnt'), { recursive: true })
    await assert.rejects(one.transport.publish(parcelOf(banWord({ node: 'web1' }))), /ENOENT/)
    assert.equal(one.transport.state.connected, false)
  })

  it('follows no link that somebody has put there', async () => {
    writeFileSync(path.join(kit.dir, 'precious'), '')
    symlinkSync(path.join(kit.dir, 'precious'), kit.file)
    const one = await kit.node('web1')
    assert.match(one.events.join(), /^disconnected: ELOOP/)
  })

  it('is read from the file before the rotation, too', async () => {
    const line = await kit.lineOf(banWord({ node: 'web1', seq: 7 }))
    renameSync(kit.file, `${kit.file}.1`)
    const late = await kit.node('web2')
    await late.live()
    assert.deepEqual(late.bans, ['ban 203.0.113.9 of web1 enforce'])
    late.give(line)
    assert.equal(late.bans.length, 1)
  })

  it('keeps what an operator has signed for those who come later', async () => {
    const one = await kit.node('web1')
    await one.live()
    const told = one.transport.publish(certificateOf('web9', 2))
    await waitUntil(() => kit.written.length > 0, 'it is written')
    one.give(kit.written)
    await told
    assert.deepEqual(readdirSync(`${kit.file}.fleet`), ['ctl.member.web9'])
    writeFileSync(`${kit.file}.fleet/ctl.member.web7`, 'nonsense')
    writeFileSync(`${kit.file}.fleet/readme`, 'nonsense')
    writeFileSync(kit.file, '')
    const late = await kit.node('web2')
    await late.live()
    late.give(await kit.lineOf(banWord({ node: 'web9', seq: 1 })))
    assert.deepEqual(late.bans, ['ban 203.0.113.9 of web9 enforce'])
  })

  it('is read by a machine without keys as by a Fail2ban node, and written for it', async () => {
    const line = await kit.lineOf(banWord({ node: 'web1', seq: 7 }))
    const one = await kit.node('alone', { isPlain: true })
    await one.live()
    one.give(line)
    assert.deepEqual(one.bans, ['ban 203.0.113.9 of (anybody) enforce'])
    const before = kit.written
    await one.transport.publish(parcelOf(unbanWord({ node: 'alone' })))
    assert.equal(kit.written, before)
    const told = one.transport.publish(parcelOf(banWord({ node: 'alone', ip: '203.0.113.77' })))
    await waitUntil(() => kit.written !== before, 'it is written')
    const own = kit.written.slice(before.length)
    assert.match(own, / tocsin\.alone\[81\]: HOST 203\.0\.113\.77 PORT 22\n$/)
    one.give(own)
    await told
    one.give(own, false)
    assert.deepEqual([one.plain.length, one.transport.counts.own], [1, 2])
  })

  it('survives whatever is written into it, with bounds', async () => {
    const line = await kit.lineOf(banWord({ node: 'web1', seq: 7 }))
    const other = await kit.node('web2')
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
