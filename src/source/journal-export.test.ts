import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { wantedFields } from './journal-entry.js'
import { JournalExport } from './journal-export.js'
import { exportedEntry } from './journal-kit.js'

interface Read {
  entries: Record<string, string>[]
  export: JournalExport
  isFine: boolean
}

function read(bytes: Buffer, pieceBytes = bytes.length): Read {
  const entries: Record<string, string>[] = []
  const parser = new JournalExport({
    wanted: wantedFields,
    onEntry: ({ fields, isTooLong }) =>
      entries.push({ ...Object.fromEntries(fields), ...(isTooLong && { isTooLong: 'yes' }) }),
  })
  let isFine = true
  for (let at = 0; at < bytes.length && isFine; at += pieceBytes)
    isFine = parser.push(bytes.subarray(at, at + pieceBytes))
  return { entries, export: parser, isFine }
}

const long = (bytes: number, byte = 'x') => byte.repeat(bytes)

describe('the journal export format', () => {
  const entries = Buffer.concat([
    exportedEntry({ __CURSOR: 'a', _PID: '1', MESSAGE: 'plain = text' }),
    exportedEntry({ __CURSOR: 'b', _PID: '2', MESSAGE: 'two\nlines\n\nMESSAGE=three', OTHER: 'not asked for' }),
    exportedEntry({ __CURSOR: 'c', MESSAGE: '' }),
  ])
  const expected = [
    { __CURSOR: 'a', _PID: '1', MESSAGE: 'plain = text' },
    { __CURSOR: 'b', _PID: '2', MESSAGE: 'two\nlines\n\nMESSAGE=three' },
    { __CURSOR: 'c', MESSAGE: '' },
  ]

  it('is read the same however it is cut into pieces', () => {
    for (const pieceBytes of [1, 2, 3, 7, 8, 9, 64, entries.length]) {
      assert.deepEqual(read(entries, pieceBytes).entries, expected, `pieces of ${pieceBytes} bytes`)
    }
  })

  it('has an entry only once it is ended', () => {
    assert.deepEqual(read(entries.subarray(0, -1)).entries, expected.slice(0, 2))
  })

  it('has text inside a binary field never taken for a field', () => {
    const hostile = exportedEntry({ __CURSOR: 'a', MESSAGE: 'x\n\n__CURSOR=evil\n_PID=0\n\n', _PID: '7' })
    assert.deepEqual(read(hostile).entries, [{ __CURSOR: 'a', MESSAGE: 'x\n\n__CURSOR=evil\n_PID=0\n\n', _PID: '7' }])
  })

  it('joins messages with a blank, and of other repeated fields takes the first', () => {
    const bytes = exportedEntry({ __CURSOR: 'a', MESSAGE: ['one', 'two'], _PID: ['1', '2'] })
    assert.deepEqual(read(bytes).entries, [{ __CURSOR: 'a', MESSAGE: 'one two', _PID: '1' }])
  })

  it('reads invalid UTF-8 as U+FFFD', () => {
    const bytes = exportedEntry({ MESSAGE: Buffer.from([0x61, 0xff, 0xc3, 0xa9, 0xc3]) })
    assert.deepEqual(read(bytes).entries, [{ MESSAGE: 'a\ufffdé\ufffd' }])
  })

  for (const [kind, end] of [
    ['text', ''],
    ['binary', '\n'],
  ] as const) {
    it(`skips and counts a ${kind} field of more than 64 KiB, and keeps one of just so many`, () => {
      const at = 64 * 1024 - end.length
      const bytes = Buffer.concat([
        exportedEntry({ __CURSOR: 'a', MESSAGE: long(at) + end, _PID: '1' }),
        exportedEntry({ __CURSOR: 'b', MESSAGE: long(at + 1) + end, _PID: '2' }),
        exportedEntry({ __CURSOR: 'c', MESSAGE: long(300_000) + end, _PID: '3' }),
        exportedEntry({ __CURSOR: 'd', _PID: '4' }),
      ])
      for (const pieceBytes of [1000, 65_536, bytes.length]) {
        const result = read(bytes, pieceBytes)
        assert.deepEqual(
          result.entries.map((entry) => [entry.__CURSOR, entry.MESSAGE?.length, entry._PID]),
          [
            ['a', 64 * 1024, '1'],
            ['b', undefined, '2'],
            ['c', undefined, '3'],
            ['d', undefined, '4'],
          ],
        )
        assert.equal(result.export.fieldsTooLong, 2)
      }
    })
  }

  it('skips an entry of more than 1 MiB, but for its place', () => {
    const fields = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`F${index}`, long(30_000)]))
    const bytes = Buffer.concat([
      exportedEntry({ __CURSOR: 'a', MESSAGE: 'x', ...fields }),
      exportedEntry({ __CURSOR: 'b', MESSAGE: 'y' }),
    ])
    const result = read(bytes, 65_536)
    assert.deepEqual(result.entries, [
      { __CURSOR: 'a', isTooLong: 'yes' },
      { __CURSOR: 'b', MESSAGE: 'y' },
    ])
    assert.equal(result.export.entriesTooLong, 1)
  })

  it('says so when it is something else', () => {
    const size = Buffer.alloc(8, 0xff)
    for (const wrong of [
      Buffer.from('-- No entries --\n'),
      Buffer.from('<html>\n'),
      Buffer.from(`=x\n`),
      Buffer.from(`${long(100, 'A')}=x\n`),
      Buffer.from(long(100_000, '\0')),
      Buffer.concat([Buffer.from('MESSAGE\n'), size]),
      Buffer.concat([Buffer.from('MESSAGE\n'), Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('xx')]),
    ]) {
      assert.equal(read(wrong).isFine, false, wrong.subarray(0, 40).toString())
    }
  })
})
