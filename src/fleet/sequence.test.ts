import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { banWord, startMs } from './message/message-kit.js'
import { type Order, Sequences, windowWords } from './sequence.js'
import type { BanWord } from './word.js'

const joined = { sinceMs: 0 }
const live = (sequences: Sequences, seq: number, more: Partial<BanWord> = {}, member = joined) =>
  sequences.check(banWord({ seq, atMs: startMs + seq, ...more }), member, 'live')
const caughtUp = (sequences: Sequences, seq: number, more: Partial<BanWord> = {}) =>
  sequences.check(banWord({ seq, atMs: startMs + seq, ...more }), joined, 'catch-up')

describe('the numbers of a node', () => {
  it('take each word once, in whatever order they come within the window', () => {
    const jumbled = fc.array(fc.integer({ min: 1, max: windowWords }), { maxLength: 300 })
    fc.assert(
      fc.property(jumbled, fc.nat(1e6), (numbers, first) => {
        const sequences = new Sequences()
        const heard = new Set<number>()
        for (const number of numbers) {
          assert.equal(live(sequences, first + number), heard.has(number) ? 'repeated' : 'new')
          heard.add(number)
        }
      }),
    )
  })

  it('never take a word twice, however far they jump and whatever comes again', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 2000 }), { maxLength: 300 }), (numbers) => {
        const sequences = new Sequences()
        const taken = new Set<number>()
        for (const number of numbers) {
          const order = live(sequences, number)
          if (order === 'new') assert.ok(!taken.has(number))
          if (order === 'repeated') assert.ok(taken.has(number))
          assert.notEqual(order, 'conflict')
          if (order === 'new') taken.add(number)
        }
      }),
    )
  })

  const after = windowWords + 1000
  const later = startMs + 3_600_000
  for (const [what, order, expected] of [
    ['last week again, live', (all) => live(all, 5), 'older'],
    ['one of long ago, when catching up', (all) => caughtUp(all, 5), 'new'],
    ['one of long ago that is told now', (all) => live(all, 5, { atMs: later }), 'rewound'],
    ['one of long ago that is told now, when catching up', (all) => caughtUp(all, 5, { atMs: later }), 'rewound'],
    ['the newest again', (all) => live(all, after), 'repeated'],
    ['the newest again, when catching up', (all) => caughtUp(all, after), 'repeated'],
    ['the newest, about another', (all) => live(all, after, { ip: '203.0.113.10' }), 'conflict'],
    ['the newest, at another time', (all) => live(all, after, { atMs: later }), 'conflict'],
    ['one that was overtaken', (all) => live(all, after - 1), 'new'],
    ['of who has joined again', (all) => live(all, 1, {}, { sinceMs: 1 }), 'new'],
  ] satisfies [string, (all: Sequences) => Order, Order][]) {
    it(`say of ${what}: ${expected}`, () => {
      const sequences = new Sequences()
      assert.equal(live(sequences, after), 'new')
      assert.equal(order(sequences), expected)
    })
  }

  it('are remembered over a restart', () => {
    const before = new Sequences()
    live(before, 1000)
    const sequences = new Sequences(before.marks())
    assert.deepEqual(
      [
        live(sequences, 1000),
        live(sequences, 999),
        caughtUp(sequences, 999),
        live(sequences, 1001),
        live(sequences, 1001),
      ],
      ['older', 'older', 'new', 'new', 'repeated'],
    )
    assert.equal(sequences.newestOf('web7'), 1001)
    sequences.forget('web7')
    assert.equal(sequences.newestOf('web7'), undefined)
  })

  it('tell two nodes with one key apart', () => {
    const sequences = new Sequences()
    const orders: Order[] = []
    for (let seq = 1; seq <= 3; seq++) {
      orders.push(live(sequences, seq, { ip: '203.0.113.1' }))
      orders.push(live(sequences, seq, { ip: '203.0.113.2' }))
    }
    assert.deepEqual(orders, ['new', 'conflict', 'new', 'conflict', 'new', 'conflict'])
  })

  it('of one node are nothing to another', () => {
    const sequences = new Sequences()
    assert.deepEqual([live(sequences, 9), live(sequences, 9, { node: 'web8' })], ['new', 'new'])
  })
})
