import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { ManualClock } from '../../test/kit/manual-clock.js'
import { RecordingLog } from '../../test/kit/recording-log.js'
import { tempDir } from '../../test/kit/temp-dir.js'
import { expandGlob, watchGlob } from './file-glob.js'

function logs(...names: string[]): string {
  const dir = tempDir()
  for (const name of names) {
    mkdirSync(path.dirname(path.join(dir, name)), { recursive: true })
    writeFileSync(path.join(dir, name), '')
  }
  return dir
}

describe('expandGlob', () => {
  it('knows *, ? and [] as Python does: no slash, no leading dot, no directory', () => {
    const dir = logs('a.log', 'b.log', '.hidden.log', 'ab.log', 'site1/access.log', 'site2/access.log', 'c.txt')
    const names = (glob: string) => expandGlob(`${dir}/${glob}`).map((file) => path.relative(dir, file))
    assert.deepEqual(names('*.log'), ['a.log', 'ab.log', 'b.log'])
    assert.deepEqual(names('?.log'), ['a.log', 'b.log'])
    assert.deepEqual(names('[!a].log'), ['b.log'])
    assert.deepEqual(names('[a-b].*'), ['a.log', 'b.log'])
    assert.deepEqual(names('*/access.log'), ['site1/access.log', 'site2/access.log'])
    assert.deepEqual(names('*'), ['a.log', 'ab.log', 'b.log', 'c.txt'])
    assert.deepEqual(names('nowhere/*'), [])
  })
})

describe('watchGlob', () => {
  it('tells of a plain path at once, also while it does not exist', () => {
    const seen: string[] = []
    const watch = watchGlob({
      glob: '/nonexistent/x.log',
      clock: new ManualClock(),
      log: new RecordingLog(),
      onFile: (file) => seen.push(file),
    })
    assert.deepEqual([seen, watch.matches], [['/nonexistent/x.log'], 0])
  })

  it('tells of each file once, of those that come later too, and of a dangling link never', () => {
    const dir = logs('a.log')
    symlinkSync('/nonexistent/target', path.join(dir, 'dangling.log'))
    const clock = new ManualClock()
    const log = new RecordingLog()
    const seen: string[] = []
    const watch = watchGlob({ glob: `${dir}/*.log`, clock, log, onFile: (file) => seen.push(path.basename(file)) })
    writeFileSync(path.join(dir, 'b.log'), '')
    clock.turn(10_000)
    assert.deepEqual(seen, ['a.log', 'b.log'])
    assert.match(log.lines.join(), /dangling\.log is a dangling link/)
    watch.close()
    writeFileSync(path.join(dir, 'c.log'), '')
    clock.turn(10_000)
    assert.deepEqual(seen, ['a.log', 'b.log'])
  })
})
