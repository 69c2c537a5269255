import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseLogRate } from './log-rate.js'

describe('how many drops are logged', () => {
  for (const [text, rate] of [
    ['no', undefined],
    ['OFF', undefined],
    ['yes', { packets: 10, per: 'minute' }],
    ['6/m', { packets: 6, per: 'minute' }],
    ['1/second', { packets: 1, per: 'second' }],
    ['100 / Hour', { packets: 100, per: 'hour' }],
    ['10000/day', { packets: 10_000, per: 'day' }],
  ] as const)
    it(`is read from "${text}"`, () => assert.deepEqual(parseLogRate(text), rate))

  for (const text of ['10', '0/minute', '10001/day', '6/week', '6/constructor', '-1/m', '1.5/s', 'perhaps', '/m'])
    it(`is not read from "${text}"`, () => assert.ok('wrong' in (parseLogRate(text) ?? {})))
})
