import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { makePipe } from '../../../test/kit/make-pipe.js'
import { tempDir } from '../../../test/kit/temp-dir.js'
import { KeptParcels } from './kept-parcels.js'

const body = (text: string) => Buffer.from(text)
const shown = async (kept: KeptParcels) => (await kept.all()).map(({ subject, body }) => `${subject} ${body}`)

/** What somebody who may write there has put beside what is good. */
async function spoil(dir: string): Promise<void> {
  symlinkSync('nowhere', path.join(dir, 'ctl.member.web1'))
  symlinkSync('/dev/zero', path.join(dir, 'ctl.member.web2'))
  await makePipe(path.join(dir, 'ctl.member.web3'))
  mkdirSync(path.join(dir, 'ctl.member.web4'))
  writeFileSync(path.join(dir, 'ctl.member.web5'), '')
  truncateSync(path.join(dir, 'ctl.member.web5'), 1 << 30)
  symlinkSync('nowhere', path.join(dir, 'ctl.unban.4.203.0.113.9'))
}

describe('what an operator has signed, beside the log', () => {
  it('is there for those who come later, the last of each subject', async () => {
    const kept = new KeptParcels(path.join(tempDir(), 'newbans.log.fleet'))
    assert.deepEqual(await shown(kept), [])
    for (const text of ['one', 'two']) await kept.keep({ subject: 'ctl.member.web7', body: body(text) })
    assert.deepEqual(await shown(kept), ['ctl.member.web7 two'])
    assert.deepEqual(readdirSync(kept.dir), ['ctl.member.web7'])
  })

  it('is read although there is what cannot be read, or is no file', async () => {
    const kept = new KeptParcels(tempDir())
    await kept.keep({ subject: 'ctl.member.web7', body: body('good') })
    await spoil(kept.dir)
    assert.deepEqual(await shown(kept), ['ctl.member.web7 good'])
  })

  it('is not kept when it is a lift of long ago', async () => {
    const kept = new KeptParcels(tempDir())
    const lift = (last: number) => `ctl.unban.4.203.0.113.${last}`
    for (const last of [1, 2]) await kept.keep({ subject: lift(last), body: body('lift') })
    await spoil(kept.dir)
    const nowMs = Date.now()
    const old = (nowMs - 9 * 86_400_000) / 1000
    // What is no file, and cannot be removed, keeps no lift behind it.
    mkdirSync(path.join(kept.dir, lift(0)))
    for (const last of [0, 1]) utimesSync(path.join(kept.dir, lift(last)), old, old)
    await kept.purge(nowMs)
    assert.deepEqual(
      [1, 2].map((last) => existsSync(path.join(kept.dir, lift(last)))),
      [false, true],
    )
  })
})
