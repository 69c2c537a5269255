import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { makePipe } from '../../test/kit/make-pipe.js'
import { ManualClock } from '../../test/kit/manual-clock.js'
import { RecordingLog } from '../../test/kit/recording-log.js'
import { AddressLists } from './address-lists.js'

function setUp(t: TestContext) {
  const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-lists-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const [clock, log, file] = [new ManualClock(), new RecordingLog(), path.join(dir, 'list')]
  const lists = new AddressLists(clock, log)
  const look = () => {
    clock.turn(1000)
    return lists.entries(file).length
  }
  return { log, file, look, clock }
}

describe('a list of addresses that are ignored', () => {
  it('has what the file has, a second later at most', (t) => {
    const { file, look } = setUp(t)
    writeFileSync(file, '192.0.2.1, 198.51.100.0/24 # two\n; none\n')
    assert.equal(look(), 2)
    writeFileSync(file, '192.0.2.1\n198.51.100.0/24\n2001:db8::1\n')
    assert.equal(look(), 3)
  })

  it('has it also when the clock was set back', (t) => {
    const { file, look, clock } = setUp(t)
    writeFileSync(file, '192.0.2.1\n')
    look()
    writeFileSync(file, '192.0.2.1\n192.0.2.2\n')
    clock.turn(-3_600_000)
    assert.equal(look(), 2)
  })

  it('keeps what it had when the file cannot be read any more, and says so once', (t) => {
    const { file, look, log } = setUp(t)
    writeFileSync(file, '192.0.2.1\n')
    look()
    rmSync(file)
    assert.deepEqual([look(), look()], [1, 1])
    assert.equal(log.lines.length, 1)
    assert.match(log.lines[0] ?? '', /^WARNING Retrieving IPs set from '.*list' failed: ENOENT/)
  })

  it('waits for nobody when the file is a pipe, and says so once', async (t) => {
    const { file, look, log } = setUp(t)
    await makePipe(file)
    assert.deepEqual([look(), look()], [0, 0])
    assert.equal(log.lines.length, 1)
    assert.match(log.lines[0] ?? '', /list is a pipe and no file$/)
  })
})
