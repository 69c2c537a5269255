import assert from 'node:assert/strict'
import fs, { appendFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { afterEach, beforeEach, describe, it } from 'node:test'
import type { TailKit } from './tail-kit.js'

// A network file system is not to be had in a test, so the kernel's answer to "which one is this" is made up; all else is real.
const fuse = { type: 0x65735546 }
Object.assign(fs, { statfs: (_: string, done: (error: null, stats: typeof fuse) => void) => done(null, fuse) })
syncBuiltinESMExports()
const { TailKit: Kit } = await import('./tail-kit.js')

describe('a log on a network file system', () => {
  let kit: TailKit
  let log: string

  beforeEach(() => {
    kit = new Kit()
    log = kit.path('shared.log')
  })
  afterEach(() => kit.close())

  /** Polls until `text` is the end of what was read: the calls run in Node's thread pool, so a turn of the clock is only a begin. */
  async function poll(text: string): Promise<void> {
    kit.clock.turn(200)
    await kit.untilText(text)
  }

  it('is polled, and that is said once', async () => {
    writeFileSync(log, '1\n')
    kit.follow(log)
    await kit.untilText('1\n')
    appendFileSync(log, '2\n')
    await poll('2\n')
    kit.clock.turn(10_000)
    const told = kit.logged.filter((line) => line.startsWith('WARNING'))
    assert.deepEqual(told, [
      `WARNING filter ${log} is on FUSE, where changes that others make are not told to this machine, so it is polled`,
    ])
  })

  it('is followed through rotation and truncation', async () => {
    writeFileSync(log, '1\n')
    const tail = kit.follow(log)
    await kit.untilText('1\n')
    appendFileSync(log, '2\n')
    renameSync(log, `${log}.1`)
    writeFileSync(log, '3 is longer\n')
    await poll('3 is longer\n')
    truncateSync(log)
    appendFileSync(log, '4\n')
    await poll('4\n')
    appendFileSync(log, '5\n')
    await tail.close({ drain: true })
    assert.equal(kit.text, '1\n2\n3 is longer\n4\n5\n')
    assert.equal(tail.stats.rotations, 2)
  })
})
