import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { LineDates } from './line-dates.js'
import { templatesOf } from './timestamp/datepattern.js'

const nowMs = new Date(2024, 5, 15, 12, 0, 30).getTime()

/** Lines read by one reader, which remembers, are as lines each read by a new one. */
function compare(datepattern: string, lines: readonly string[]): void {
  const templates = () => templatesOf(datepattern, new Set(), 2024)
  const remembering = new LineDates(templates(), undefined)
  remembering.setNow(nowMs)
  for (const line of lines) {
    const fresh = new LineDates(templates(), undefined)
    fresh.setNow(nowMs)
    const answers = [remembering, fresh].map((dates) => {
      dates.read(`before\n${line}\nbehind`, 7, 7 + line.length)
      const { outcome, cutStart, cutEnd, timeMs } = dates
      return outcome === 'dated' ? { outcome, cutStart, cutEnd, timeMs } : { outcome }
    })
    assert.deepEqual(answers[0], answers[1], JSON.stringify([datepattern, line]))
  }
}

describe('LineDates', () => {
  it('reads a date that it remembers as it would read it anew, wherever the line has it', () => {
    const date = fc.constantFrom(
      '15/Jun/2024:11:59:58 +0000',
      '15/Jun/2024:11:59:59 +0000',
      '2024-06-15 12:00:01',
      '31/Feb/2024:00:00:00',
    )
    const head = fc.constantFrom('', '192.0.2.1 - - ', '2001:db8::1 - é ', 'a [b] ', ']', '[')
    const tail = fc.constantFrom('] "GET /"', ']', '', ']x', ' ] y', '.5] z')
    const bracketed = fc.tuple(head, date, tail).map(([before, middle, behind]) => `${before}[${middle}${behind}`)
    const lines = fc.array(fc.oneof(bracketed, bracketed, bracketed, fc.constantFrom('no date', '[]', '')), {
      maxLength: 40,
    })
    const pattern = fc.constantFrom(
      String.raw`^[^\[]*\[%d/%b/%Y:%H:%M:%S(?: %z)?`,
      String.raw`^[^\[]*(\[%d/%b/%Y:%H:%M:%S(?: %z)?\s*\])`,
      String.raw`^[^\[]*\[?%Y-%m-%d %H:%M:%S`,
    )
    fc.assert(
      fc.property(pattern, lines, (datepattern, texts) => compare(datepattern, texts)),
      { numRuns: 300 },
    )
  })
})
