import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, it } from 'node:test'
import { makePipe } from '../../../test/kit/make-pipe.js'
import { RecordingLog } from '../../../test/kit/recording-log.js'
import type { FleetMode } from '../../fleet/mode.js'
import { ModeSwitch } from './mode-switch.js'

const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-mode-'))
after(() => rmSync(dir, { recursive: true, force: true }))
let count = 0

function setUp(file = path.join(dir, `state-${++count}`, 'fleet-mode.json'), configured: FleetMode = 'enforce') {
  const log = new RecordingLog()
  const changes: string[] = []
  const it = new ModeSwitch({ file, configured, log })
  it.watch((mode, before) => changes.push(`${before} → ${mode}`))
  return { it, file, log, changes }
}

it('the mode that was said last holds, also after a restart', () => {
  const { it: first, file, changes } = setUp()
  assert.ok(first.hear({ mode: 'off', atMs: 20, seq: 2 }))
  assert.ok(!first.hear({ mode: 'enforce', atMs: 10, seq: 9 }))
  assert.ok(!first.hear({ mode: 'off', atMs: 20, seq: 2 }))
  assert.deepEqual(changes, ['enforce → off'])
  const again = setUp(file)
  assert.deepEqual(again.changes, ['enforce → off'])
  assert.ok(again.it.hear({ mode: 'enforce', atMs: 21, seq: 1 }))
  assert.equal(again.it.mode, 'enforce')
})

it('for one machine it can be less than for all, never more', () => {
  const { it: one, changes } = setUp()
  one.setHere('simulate')
  one.hear({ mode: 'off', atMs: 1, seq: 1 })
  one.setHere('enforce')
  assert.equal(one.mode, 'off')
  one.hear({ mode: 'enforce', atMs: 2, seq: 1 })
  one.configure('simulate')
  assert.deepEqual(one.view, {
    mode: 'simulate',
    told: { mode: 'enforce', atMs: 2 },
    here: null,
    configured: 'simulate',
  })
  assert.deepEqual(changes, ['enforce → simulate', 'simulate → off', 'off → enforce', 'enforce → simulate'])
})

it('a damaged file is told of, and the mode is as ever', () => {
  const file = path.join(dir, 'damaged.json')
  writeFileSync(file, '{"told":{"mode":"of')
  const { it: one, log } = setUp(file)
  assert.equal(one.mode, 'enforce')
  assert.match(log.lines.join(), /^ERROR Cannot read .*damaged\.json/)
})

it('a pipe in its place is told of, and not waited for', async () => {
  const file = path.join(dir, 'pipe.json')
  await makePipe(file)
  const { it: one, log } = setUp(file)
  assert.equal(one.mode, 'enforce')
  assert.match(log.lines.join(), /^ERROR Cannot read .*pipe\.json: .* is a pipe and no file/)
})
