import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ManualClock } from '../../test/kit/manual-clock.js'
import { parseIp } from '../domain/address.js'
import type { Guarded } from './guarded.js'
import { Watched } from './watched.js'

function setUp() {
  const clock = new ManualClock()
  let looks = 0
  let seen: Guarded[] = []
  const look = () => {
    looks++
    return [...seen]
  }
  const watched = new Watched({ clock, maxAgeMs: 2000, look })
  const see = (...addresses: string[]) => {
    seen = addresses.map((text) => ({ ip: parseIp(text) ?? assert.fail(), kind: 'session', reason: text }))
  }
  const shown = () => watched.list().map(({ ip }) => ip.text)
  return { clock, watched, see, shown, looks: () => looks }
}

describe('something outside that is watched', () => {
  it('is looked at again when what is known is old enough, and is the same as long as it is the same', () => {
    const { clock, watched, see, shown, looks } = setUp()
    see('203.0.113.1')
    const first = watched.list()
    clock.turn(1999)
    assert.equal(watched.list(), first)
    assert.equal(looks(), 1)
    clock.turn(1)
    assert.equal(watched.list(), first)
    assert.equal(looks(), 2)
    see('203.0.113.1', '203.0.113.2')
    clock.turn(2000)
    assert.deepEqual(shown(), ['203.0.113.1', '203.0.113.2'])
  })

  it('is looked at again at once when somebody knows better, or when the clock was set back', () => {
    const { clock, watched, see, shown } = setUp()
    watched.list()
    see('203.0.113.1')
    watched.forget()
    assert.deepEqual(shown(), ['203.0.113.1'])
    see('203.0.113.2')
    clock.turn(-3_600_000)
    assert.deepEqual(shown(), ['203.0.113.2'])
  })
})
