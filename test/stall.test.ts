import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { failures, House, onlySshd, sshdLine } from './kit/daemon-kit.js'

const attacker = '192.0.2.7'
const date = sshdLine('').slice(0, 15)
/** Each stalls the search of a pattern that is in the jail below. */
const lines = [
  `${date} ${'a'.repeat(40)} from 192.0.2.8`,
  `${date} ${'A '.repeat(5000)}from 192.0.2.8`,
  `${date} ${'x'.repeat(10_000)}`,
]

const jails = `${onlySshd('maxretry = 3')}
[endless]
enabled = true
filter = endless
logpath = DIR/endless.log
maxretry = 1
`
const filter = `[Definition]
failregex = ^ (a+)+$<HOST>
            ^ \\w+ from <HOST>$
`

describe('a pattern that never ends on some line', () => {
  it('is out of use for its jail, which is told, and keeps no other ban from being made', async () => {
    const house = new House({ jails })
    house.write('config/filter.d/endless.conf', filter)
    house.write('endless.log', '')
    const daemon = await house.serve('--simulate')
    house.append(`${lines.join('\n')}\n`, 'endless.log')
    house.append(failures(attacker, 3))
    await house.untilBanned(attacker, 'sshd')
    house.append(`${date} x from 192.0.2.9\n`, 'endless.log')
    await house.untilBanned('192.0.2.9', 'endless')
    await house.untilLogged(/\[endless\].*\(a\+\)\+/)
    const { quarantined } = await house.jail('endless')
    assert.deepEqual(
      quarantined.map(({ line }) => line),
      [lines[0]],
    )
    assert.match(quarantined[0]?.place ?? '', /endless\.conf:2$/)
    assert.deepEqual((await house.jail()).quarantined, [])
    assert.match((await house.tocsin('status', 'endless')).stdout, /Quarantined +\^ \(a\+\)\+\$/)
    assert.match((await house.tocsin('metrics')).stdout, /^tocsin_pattern_quarantined\{jail="endless"\} 1$/m)
    assert.equal(await daemon.end(), 0)
  })
})
