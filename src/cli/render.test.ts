import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bytesText, durationText, harmless, table } from './render.js'

describe('render', () => {
  it('tells durations by their two largest units', () => {
    const cases: [number | null, string][] = [
      [null, 'permanent'],
      [0, '0s'],
      [59_000, '59s'],
      [3_661_000, '1h 1m'],
      [90_061_000, '1d 1h'],
      [-5, '0s'],
    ]
    for (const [ms, text] of cases) assert.equal(durationText(ms), text)
  })

  it('lines columns up, colours not counted', () => {
    assert.equal(
      table([
        ['a', 'b'],
        ['\x1b[1mlonger\x1b[22m', 'c'],
      ]),
      'a       b\n\x1b[1mlonger\x1b[22m  c',
    )
  })

  it('shows what could control a terminal or turn text around', () => {
    assert.equal(harmless('a\x1b[2Jb\u202ec\nd\x9be'), 'a\\u001b[2Jb\\u202ec\\u000ad\\u009be')
    assert.equal(harmless('user ä from 192.0.2.1'), 'user ä from 192.0.2.1')
  })

  it('tells bytes', () => {
    assert.deepEqual([0, 1023, 2048, 5 * 1024 ** 2].map(bytesText), ['0 B', '1023 B', '2.0 KiB', '5.0 MiB'])
  })
})
