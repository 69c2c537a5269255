import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type SeekableLog, seekPast } from './seek.js'

function logOf(text: string): SeekableLog & { size: number; reads: number } {
  const bytes = Buffer.from(text, 'latin1')
  return {
    size: bytes.length,
    reads: 0,
    async readAt(buffer, length, offset) {
      this.reads++
      return bytes.copy(buffer, 0, offset, Math.min(bytes.length, offset + length))
    },
  }
}

const numbered = (count: number) =>
  Array.from(
    { length: count },
    (_, i) => `${i} something that makes a line about as long as one of a real log, forty more\n`,
  )
const olderThan = (wanted: number) => (line: string) =>
  /^\d/.test(line) ? Number.parseInt(line, 10) < wanted : undefined

describe('seekPast', () => {
  it('finds the place in a few reads and never passes a wanted line', async () => {
    const lines = numbered(100_000)
    const log = logOf(lines.join(''))
    for (const wanted of [0, 1, 50_000, 99_999, 100_000]) {
      log.reads = 0
      const at = await seekPast(log, { from: 0, to: log.size, isTooOld: olderThan(wanted) })
      const startOfWanted = lines.slice(0, wanted).join('').length
      assert.ok(at <= startOfWanted && startOfWanted - at <= 1_200_000, `${wanted}: ${at} of ${startOfWanted}`)
      assert.ok(at === 0 || lines.join('').charAt(at - 1) === '\n', 'a line start')
      assert.ok(log.reads < 10)
    }
  })

  it('reads everything where no line has a date', async () => {
    const log = logOf('no date here, only words and more words\n'.repeat(100_000))
    assert.equal(await seekPast(log, { from: 0, to: log.size, isTooOld: () => undefined }), 0)
  })

  it('stops in front of lines without a date instead of guessing', async () => {
    const lines = [
      ...numbered(20_000),
      ...Array.from({ length: 30_000 }, () => 'undated, such as a very long trace of some program that failed\n'),
      ...numbered(60_000).slice(20_000),
    ]
    const log = logOf(lines.join(''))
    const at = await seekPast(log, { from: 0, to: log.size, isTooOld: olderThan(59_000) })
    assert.ok(at <= lines.slice(0, 89_000).join('').length)
  })
})
