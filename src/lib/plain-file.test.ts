import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { makePipe } from '../../test/kit/make-pipe.js'
import { readPlainFile } from './plain-file.js'

const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-plain-'))
after(() => rmSync(dir, { recursive: true, force: true }))
const at = (name: string) => path.join(dir, name)
const read = (name: string) => readPlainFile(at(name), { bytesMax: 4 }).toString()

describe('a file that is read as a whole', () => {
  it('is read up to its bound, and refused beyond', () => {
    writeFileSync(at('four'), 'four')
    writeFileSync(at('five'), 'fives')
    writeFileSync(at('empty'), '')
    assert.deepEqual([read('four'), read('empty')], ['four', ''])
    assert.throws(() => read('five'), { message: `${at('five')} is larger than 4 bytes` })
  })

  it('is empty when it is a link to /dev/null, which puts it out of use', () => {
    symlinkSync('/dev/null', at('masked'))
    assert.equal(read('masked'), '')
  })

  it('is refused when it is none: nobody is waited for, and nothing without end is read', async () => {
    await makePipe(at('pipe'))
    symlinkSync('/dev/zero', at('zero'))
    mkdirSync(at('folder'))
    const server = createServer().listen(at('socket'))
    await new Promise((resolve) => server.once('listening', resolve))
    for (const [name, kind] of [
      ['pipe', 'a pipe'],
      ['zero', 'a device'],
      ['folder', 'a directory'],
      ['socket', 'a socket or a device'],
    ] as const)
      assert.throws(() => read(name), { message: `${at(name)} is ${kind} and no file` })
    server.close()
  })

  it('keeps what the system says of one that is not there', () => {
    assert.throws(() => read('nothing'), { code: 'ENOENT' })
  })
})
