import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ReadPosition } from '../domain/read-position.js'
import { journalRows, journalStart } from './journal-position.js'

const source = { matches: [['_COMM=sshd']], options: {} }
const nowMs = Date.UTC(2026, 10, 21, 4)
const bounds = { earliestMs: nowMs - 600_000, nowMs }
const cursorAt = (timeMs: number) => `s=0f;i=1;b=2;m=3;t=${(timeMs * 1000).toString(16)};x=4`
const stored = (rows: readonly [string, ReadPosition][]) => (path: string) => new Map(rows).get(path)
const rowsAt = (timeMs: number) => journalRows(source, { cursor: cursorAt(timeMs), writtenUs: timeMs * 1000 })

describe('the place in the journal', () => {
  it('is stored as Fail2ban has it, with the cursor beside it', () => {
    const writtenUs = new Date(2026, 10, 21, 5, 15, 56).getTime() * 1000 + 123
    const [peers, ours] = journalRows(source, { cursor: 's=1', writtenUs })
    assert.deepEqual(peers, [
      'systemd-journal',
      { firstLineSha1: '2026-11-21T05:15:56.000123 ', offset: writtenUs / 1e6 },
    ])
    assert.match(ours?.[0] ?? '', /^tocsin-journal-cursor:[0-9a-f]{16}$/)
    assert.deepEqual(ours?.[1], { firstLineSha1: 's=1', offset: writtenUs / 1e6 })
  })

  it('is the cursor while its entry is inside the find time', () => {
    const cursor = cursorAt(nowMs - 1000)
    assert.deepEqual(journalStart(source, stored(rowsAt(nowMs - 1000)), bounds), { cursor, sinceMs: nowMs - 1000 })
    assert.deepEqual(journalStart(source, stored(rowsAt(nowMs - 700_000)), bounds), { sinceMs: bounds.earliestMs })
    assert.deepEqual(
      journalStart(source, () => undefined, bounds),
      { sinceMs: bounds.earliestMs },
    )
  })

  it('is the time when Fail2ban ran since, or when other entries were read', () => {
    const [, ours] = rowsAt(nowMs - 9000)
    const [peers] = rowsAt(nowMs - 1000)
    assert.ok(ours && peers)
    assert.deepEqual(journalStart(source, stored([ours, peers]), bounds), { sinceMs: nowMs - 1000 })
    const other = { ...source, matches: [['_COMM=other']] }
    assert.deepEqual(journalStart(other, stored(rowsAt(nowMs - 1000)), bounds), { sinceMs: nowMs - 1000 })
  })

  it('is no cursor that could be something else, and no time to come', () => {
    for (const cursor of ['', 's=1 --file=/x', '--file=/x', 's=1;\n', `s=${'0'.repeat(600)};t=1`]) {
      const rows = journalRows(source, { cursor, writtenUs: (nowMs - 1000) * 1000 })
      assert.deepEqual(journalStart(source, stored(rows), bounds), { sinceMs: nowMs - 1000 })
    }
    const rows = journalRows(source, { cursor: 'x', writtenUs: (nowMs + 1e9) * 1000 })
    assert.deepEqual(journalStart(source, stored(rows), bounds), { sinceMs: nowMs })
  })
})
