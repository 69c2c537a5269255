import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { addressKey, addressText } from '../address-key.js'
import { type Row, Rows } from './rows.js'

const row = (speaker: number): Row => ({
  speaker,
  kind: 'ban',
  seq: speaker,
  atMs: 0,
  untilMs: 1,
  failures: 3,
  byHand: false,
})
const ip = fc.oneof(
  fc.nat(9).map((n) => `203.0.113.${n}`),
  fc.nat(3).map((n) => `2001:db8::${n + 1}`),
)
const steps = (maxLength: number) =>
  fc.array(fc.record({ ip, speaker: fc.nat(3), isGone: fc.boolean() }), { maxLength, size: 'max' })

type Step = { ip: string; speaker: number; isGone: boolean }

function take(rows: Rows, model: Map<string, Set<number>>, { ip, speaker, isGone }: Step): void {
  const speakers = model.get(ip) ?? new Set()
  const key = addressKey(ip)
  if (isGone) {
    assert.equal(
      rows.remove(key, (at) => rows.speakerOf(at) === speaker),
      speakers.has(speaker) ? 1 : 0,
    )
    speakers.delete(speaker)
  } else if (!speakers.has(speaker)) {
    rows.add(key, row(speaker))
    speakers.add(speaker)
  }
  if (speakers.size > 0) model.set(ip, speakers)
  else model.delete(ip)
}

const speakersIn = (rows: Rows, ip: string) => [...rows.of(addressKey(ip))].map((at) => rows.get(at).speaker).sort()

describe('rows', () => {
  it('are those that were added and not removed', () => {
    fc.assert(
      fc.property(steps(200), (all) => {
        const [rows, model] = [new Rows(), new Map<string, Set<number>>()]
        for (const step of all) take(rows, model, step)
        assert.deepEqual([...rows.keys()].map(addressText).sort(), [...model.keys()].sort())
        for (const [ip, speakers] of model) assert.deepEqual(speakersIn(rows, ip), [...speakers].sort())
        assert.equal(
          rows.count,
          [...model.values()].reduce((sum, { size }) => sum + size, 0),
        )
      }),
    )
  })

  it('are met once by who walks through, as long as their address has any, whatever comes and goes meanwhile', () => {
    fc.assert(
      fc.property(steps(60), steps(60), fc.nat(5), (before, meanwhile, each) => {
        const [rows, model] = [new Rows(), new Map<string, Set<number>>()]
        for (const step of before) take(rows, model, step)
        const staying = new Set(model.keys())
        const met: string[] = []
        const queue = [...meanwhile]
        for (const key of rows.keys()) {
          met.push(addressText(key))
          for (const step of queue.splice(0, each)) {
            take(rows, model, step)
            if (!model.has(step.ip)) staying.delete(step.ip)
          }
        }
        for (const ip of staying) assert.equal(met.filter((one) => one === ip).length, 1, ip)
      }),
    )
  })
})
