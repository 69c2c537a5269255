import assert from 'node:assert/strict'
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { makePipe } from '../../test/kit/make-pipe.js'
import { openAtOnce } from './open-at-once.js'

const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-open-'))
after(() => rmSync(dir, { recursive: true, force: true }))
const at = (name: string) => path.join(dir, name)

describe('a file that is opened to be written', () => {
  it('is made with its mode, and appended to or begun anew', () => {
    for (const [how, text] of [
      ['append', 'one'],
      ['append', ' two'],
      ['anew', 'six'],
    ] as const) {
      const fd = openAtOnce(at('file'), { how, mode: 0o640 })
      writeSync(fd, text)
      closeSync(fd)
      if (how === 'append' && text === ' two') assert.equal(readFileSync(at('file'), 'utf8'), 'one two')
    }
    assert.equal(readFileSync(at('file'), 'utf8'), 'six')
    assert.equal(statSync(at('file')).mode & 0o777, 0o640)
  })

  it('is refused when it is a pipe that nobody reads, and waits for nobody', async () => {
    await makePipe(at('pipe'))
    assert.throws(() => openAtOnce(at('pipe'), { how: 'append', mode: 0o640 }), /pipe: it is a pipe that nobody reads/)
    const reader = openSync(at('pipe'), constants.O_RDONLY | constants.O_NONBLOCK)
    const fd = openAtOnce(at('pipe'), { how: 'append', mode: 0o640 })
    writeSync(fd, 'heard')
    const heard = Buffer.alloc(10)
    assert.equal(heard.toString('utf8', 0, readSync(reader, heard)), 'heard')
    for (const one of [reader, fd]) closeSync(one)
  })
})
