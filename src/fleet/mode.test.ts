import assert from 'node:assert/strict'
import { it } from 'node:test'
import { isNewerMode, leastOf, type ModeWord, modeWordOf } from './mode.js'

const said = (mode: ModeWord['mode'], atMs: number, seq = 1): ModeWord => ({ mode, atMs, seq })

it('whoever wants least has his way', () => {
  assert.equal(leastOf(), 'enforce')
  assert.equal(leastOf('enforce', 'simulate'), 'simulate')
  assert.equal(leastOf('simulate', 'off', 'enforce'), 'off')
})

it('in whatever order they come, the same of two counts', () => {
  const inOrder = [said('simulate', 1), said('enforce', 1), said('off', 1), said('enforce', 1, 2), said('enforce', 2)]
  const all = [said('simulate', 1), said('off', 1), said('enforce', 1, 2), said('off', 2), said('simulate', 3)]
  for (const words of [inOrder, all])
    for (const a of words) for (const b of words) if (a !== b) assert.notEqual(isNewerMode(a, b), isNewerMode(b, a))
  assert.ok(isNewerMode(said('off', 1), said('enforce', 1)))
  assert.ok(!isNewerMode(said('off', 1), said('off', 1)))
  assert.ok(isNewerMode(said('enforce', 0), undefined))
})

it('a statement about something else is no mode', () => {
  const of = (content: Record<string, unknown>) => modeWordOf({ seq: 3, atMs: 5, content })
  assert.deepEqual(of({ mode: 'off', more: 1 }), { mode: 'off', atMs: 5, seq: 3 })
  for (const mode of [undefined, 'on', 'OFF', 1, {}]) assert.equal(of({ mode }), undefined)
})
