// A log on a real network file system: another machine's directory over SSHFS, as F2BDistro's nodes share theirs; here both machines are this one.
import assert from 'node:assert/strict'
import { appendFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { TailKit } from '../src/source/tail-kit.js'
import { LoopbackSshfs, withoutSshfs } from './kit/loopback-sshfs.js'
import { waitUntil } from './kit/wait-until.js'

describe('a log on SSHFS', { skip: withoutSshfs }, () => {
  const sshfs = new LoopbackSshfs()
  const kit = new TailKit()
  const theirs = path.join(sshfs.exported, 'newbans.log')
  let mount: string

  before(async () => {
    await sshfs.start()
    mount = await sshfs.mount('mnt')
  })

  after(async () => {
    await kit.close()
    await sshfs.end()
  })

  /** Lets the tail look until it has read so much. The mount itself may keep what it knows for a second. */
  const read = (text: string) =>
    waitUntil(
      () => {
        kit.clock.turn(200)
        return kit.text === text
      },
      () => `${JSON.stringify(text)} is read, not ${JSON.stringify(kit.text)}`,
    )

  it('is polled without being told, and what other nodes write is read', async () => {
    writeFileSync(theirs, 'one\n')
    kit.follow(path.join(mount, 'newbans.log'))
    await read('one\n')
    appendFileSync(theirs, 'two\n')
    await read('one\ntwo\n')
    assert.match(
      kit.logged.join('\n'),
      /^WARNING filter \S+newbans\.log is on FUSE, where changes .* so it is polled$/m,
    )
  })

  it('is read from its begin after another node has rotated it', async () => {
    renameSync(theirs, `${theirs}.1`)
    writeFileSync(theirs, 'three, in a file that is longer than the one before\n')
    await read('one\ntwo\nthree, in a file that is longer than the one before\n')
    appendFileSync(theirs, 'four\n')
    await read('one\ntwo\nthree, in a file that is longer than the one before\nfour\n')
  })
})
