import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type TextEncoding, textEncoding } from './encoding.js'
import { cutLines, lineBytesMax } from './line-cutter.js'

const utf8 = encodingOf('utf-8')

function encodingOf(name: string): TextEncoding {
  const encoding = textEncoding(name)
  assert(encoding !== undefined)
  return encoding
}

function cut(text: string, isSkipping = false) {
  const bytes = Buffer.from(text)
  const { lines, ...rest } = cutLines(bytes, bytes.length, utf8, isSkipping)
  return { ...rest, texts: lines.map(([start, end]) => bytes.toString('utf8', start, end)) }
}

describe('cutLines', () => {
  it('gives all whole lines as one range and leaves the begin of the next', () => {
    assert.deepEqual(cut('a\nbü\r\n\nc'), { texts: ['a\nbü\r\n\n'], consumed: 8, isSkipping: false, skipped: 0 })
    assert.deepEqual(cut('abc'), { texts: [], consumed: 0, isSkipping: false, skipped: 0 })
    assert.deepEqual(cut(''), { texts: [], consumed: 0, isSkipping: false, skipped: 0 })
  })

  it('keeps a line of exactly the bound and skips a longer one whole', () => {
    const longest = `${'x'.repeat(lineBytesMax)}\n`
    const tooLong = `${'y'.repeat(lineBytesMax + 1)}\n`
    assert.deepEqual(cut(longest).texts, [longest])
    assert.deepEqual(cut(`a\n${tooLong}b\n${longest}${tooLong}${tooLong}c`), {
      texts: ['a\n', `b\n${longest}`],
      consumed: 2 + tooLong.length * 3 + 2 + longest.length,
      isSkipping: false,
      skipped: 3,
    })
  })

  it('goes on skipping over pieces until the long line ends', () => {
    const begin = cut(`a\n${'z'.repeat(lineBytesMax + 1)}`)
    assert.deepEqual([begin.texts, begin.consumed, begin.isSkipping, begin.skipped], [['a\n'], 2, true, 0])
    assert.deepEqual(cut('zzz', true), { texts: [], consumed: 0, isSkipping: true, skipped: 0 })
    assert.deepEqual(cut('z\nb\nc', true), { texts: ['b\n'], consumed: 4, isSkipping: false, skipped: 1 })
  })

  it('passes over the NULs that a truncation under an open writer leaves, but keeps NULs inside a line', () => {
    assert.deepEqual(cut('\0\0\0a\0b\n\0\0'), { texts: ['a\0b\n'], consumed: 9, isSkipping: false, skipped: 0 })
    assert.deepEqual(cut('\0'.repeat(lineBytesMax * 2)).consumed, lineBytesMax * 2)
  })

  it('finds line ends of two bytes only where a code unit begins', () => {
    // U+0A0A and U+010A hold the byte of a line end, but are none.
    const text = 'a\u0a0a\u010a\n\u0a00b\nc'
    for (const name of ['utf-16le', 'utf-16be']) {
      const bytes = Buffer.from(text, 'utf16le')
      if (name === 'utf-16be') bytes.swap16()
      const encoding = encodingOf(name)
      const { lines, consumed } = cutLines(bytes, bytes.length, encoding, false)
      assert.deepEqual(
        lines.map(([start, end]) => encoding.decode(bytes.subarray(start, end))),
        ['a\u0a0a\u010a\n\u0a00b\n'],
      )
      assert.equal(consumed, bytes.length - 2)
      assert.equal(encoding.endOfFirstLine(bytes, 0, bytes.length), 8)
    }
  })
})
