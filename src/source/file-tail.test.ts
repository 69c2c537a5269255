import assert from 'node:assert/strict'
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { TailKit } from './tail-kit.js'

let kit: TailKit
let log: string

beforeEach(() => {
  kit = new TailKit()
  log = kit.path('auth.log')
})
afterEach(() => kit.close())

describe('a followed file', () => {
  it('gives what is there, then what is appended, and says which is which', async () => {
    writeFileSync(log, 'old 1\nold 2\n')
    const tail = kit.follow(log)
    await kit.untilEvent('live')
    appendFileSync(log, 'new\n')
    await kit.untilText('new\n')
    assert.deepEqual(
      kit.chunks.map(({ text, live }) => [text, live]),
      [
        ['old 1\nold 2\n', false],
        ['new\n', true],
      ],
    )
    assert.deepEqual(tail.stats, { linesSkippedTooLong: 0, bytesRead: 16, rotations: 0, state: 'live' })
  })

  it('waits for the end of a line that is written in pieces', async () => {
    writeFileSync(log, '')
    const tail = kit.follow(log)
    await kit.untilEvent('live')
    appendFileSync(log, 'whole\nfrom 192.0.2.')
    await kit.untilText('whole\n')
    assert.equal(tail.position().offset, 6)
    appendFileSync(log, '123\r\n')
    await kit.untilText('from 192.0.2.123\r\n')
    assert.equal(kit.text, 'whole\nfrom 192.0.2.123\r\n')
  })

  it('is live when the file ends inside a line', async () => {
    writeFileSync(log, 'a\nhalf')
    kit.follow(log)
    await kit.untilEvent('live')
    appendFileSync(log, ' and half\n')
    await kit.untilText('half and half\n')
    assert.equal(kit.chunks.at(-1)?.live, true)
  })

  it('begins at the end, but never inside a line, when told to', async () => {
    writeFileSync(log, 'old\nhalf')
    kit.follow(log, { start: 'tail', position: { firstLineSha1: 'x', offset: 0 } })
    await kit.untilEvent('opened')
    appendFileSync(log, ' and half\n')
    await kit.untilText('half and half\n')
    assert.equal(kit.text, 'half and half\n')
    assert.equal(kit.chunks[0]?.live, true)
  })

  it('drains what was written before it is closed', async () => {
    writeFileSync(log, 'a\n')
    const tail = kit.follow(log)
    await kit.untilText('a\n')
    appendFileSync(log, 'b\n')
    await tail.close({ drain: true })
    assert.equal(kit.text, 'a\nb\n')
    assert.equal(tail.position().offset, 4)
    appendFileSync(log, 'c\n')
    await tail.close()
    assert.equal(kit.text, 'a\nb\n')
  })

  it('leaves no descriptor open', async () => {
    const before = readdirSync('/proc/self/fd').length
    writeFileSync(log, 'a\n')
    const tail = kit.follow(log)
    await kit.untilText('a\n')
    renameSync(log, `${log}.1`)
    writeFileSync(log, 'b\n')
    await kit.untilText('b\n')
    await tail.close()
    // The inotify descriptor of the event loop stays, once opened.
    assert(readdirSync('/proc/self/fd').length - before <= 1)
  })
})

describe('a log that is rotated', () => {
  it('is read to its end by rename and create, also what is written late, and then the new file', async () => {
    writeFileSync(log, '1\n')
    const tail = kit.follow(log)
    await kit.untilText('1\n')
    renameSync(log, `${log}.1`)
    appendFileSync(`${log}.1`, '2\n')
    writeFileSync(log, '3\n')
    await kit.untilText('3\n')
    assert.equal(kit.text, '1\n2\n3\n')
    appendFileSync(`${log}.1`, 'late\n')
    await kit.untilText('late\n')
    appendFileSync(log, '4\n')
    await kit.untilText('4\n')
    assert.equal(tail.stats.rotations, 1)
    assert.deepEqual([tail.position().offset, kit.chunks.at(-1)?.live], [4, true])
    assert.match(
      kit.logged.join('\n'),
      /^MSG filter Log rotation detected for .*auth\.log, reason: \(\d+, 4, \d+, \d+, '/m,
    )
  })

  it('lets the old file go after it has been silent', async () => {
    writeFileSync(log, '1\n')
    kit.follow(log)
    await kit.untilText('1\n')
    renameSync(log, `${log}.1`)
    writeFileSync(log, '2\n')
    await kit.untilText('2\n')
    kit.clock.turn(11_000)
    appendFileSync(log, '3\n')
    await kit.untilText('3\n')
    assert(!openPaths().includes(`${log}.1`))
  })

  it('is read on while it has another name and no successor', async () => {
    writeFileSync(log, '1\n')
    kit.follow(log)
    await kit.untilText('1\n')
    renameSync(log, `${log}.1`)
    kit.clock.turn(120_000)
    appendFileSync(`${log}.1`, '2\n')
    await kit.untilText('2\n')
    writeFileSync(log, '3\n')
    await kit.untilText('3\n')
    assert.equal(kit.text, '1\n2\n3\n')
  })

  it('starts again after copytruncate, also when it has outgrown the old size at once', async () => {
    writeFileSync(log, 'first\nsecond\n')
    const tail = kit.follow(log)
    await kit.untilText('second\n')
    truncateSync(log)
    appendFileSync(log, 'third\n')
    await kit.untilText('third\n')
    writeFileSync(log, 'another first line\nand second\n')
    await kit.untilText('and second\n')
    assert.equal(kit.text, 'first\nsecond\nthird\nanother first line\nand second\n')
    assert.equal(tail.stats.rotations >= 2, true)
  })

  it('is found behind the NULs that copytruncate leaves under a writer that keeps its offset', async () => {
    writeFileSync(log, 'x\n')
    kit.follow(log)
    await kit.untilText('x\n')
    truncateSync(log)
    truncateSync(log, 600_000)
    appendFileSync(log, 'behind the gap\n')
    await kit.untilText('behind the gap\n')
    assert.equal(kit.text, 'x\nbehind the gap\n')
  })

  it('is found again after it was deleted', async () => {
    writeFileSync(log, '1\n')
    kit.follow(log)
    await kit.untilText('1\n')
    rmSync(log)
    writeFileSync(log, '2\n')
    await kit.untilText('2\n')
    assert.equal(kit.text, '1\n2\n')
  })

  it('lets a deleted file go after a minute of silence', async () => {
    writeFileSync(log, '1\n')
    const tail = kit.follow(log)
    await kit.untilText('1\n')
    rmSync(log)
    kit.clock.turn(61_000)
    await tail.close({ drain: true })
    assert(!openPaths().some((path) => path.includes(kit.directory)))
  })

  it('follows a symbolic link to where it points now', async () => {
    mkdirSync(kit.path('elsewhere'))
    const day1 = kit.path('elsewhere/day1.log')
    const day2 = kit.path('elsewhere/day2.log')
    writeFileSync(day1, '1\n')
    symlinkSync(day1, log)
    kit.follow(log)
    await kit.untilText('1\n')
    appendFileSync(day1, '2\n')
    await kit.untilText('2\n')
    writeFileSync(day2, '3\n')
    symlinkSync(day2, kit.path('next'))
    renameSync(kit.path('next'), log)
    await kit.untilText('3\n')
    renameSync(day2, kit.path('elsewhere/day2.log.1'))
    writeFileSync(day2, '4\n')
    await kit.untilText('4\n')
    assert.equal(kit.text, '1\n2\n3\n4\n')
  })
})

function openPaths(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)]
    } catch {
      return []
    }
  })
}
