import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { runChild } from './child.js'
import { isAnswered, removeStale } from './unix-socket.js'

const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-socket-'))
after(() => rmSync(dir, { recursive: true, force: true }))
const at = (name: string) => path.join(dir, name)

describe('a place for a socket', () => {
  it('is answered on while somebody listens, and not by what a crash has left, which goes', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(at('live'), resolve))
    assert.equal(await isAnswered(at('live')), true)
    await new Promise((resolve) => server.close(resolve))
    const crash = `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`
    await runChild([process.execPath, '-e', crash, at('left')], { timeoutMs: 10_000 })
    assert.equal(existsSync(at('left')), true)
    assert.equal(await isAnswered(at('left')), false)
    removeStale(at('left'))
    assert.equal(existsSync(at('left')), false)
    removeStale(at('left'))
  })

  it('that is a file, or a link to nowhere, is refused and stays', async () => {
    writeFileSync(at('file'), 'kept')
    symlinkSync('/nonexistent', at('link'))
    for (const name of ['file', 'link']) {
      assert.equal(await isAnswered(at(name)), false)
      assert.throws(() => removeStale(at(name)), /something that is not a socket; move it away/)
    }
    assert.equal(existsSync(at('file')), true)
  })
})
