import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ipOf, overlaps, parseIp } from '../domain/address.js'
import { NetworkIndex } from './network-index.js'

/** Few different bytes, so that networks often contain each other. */
const network = fc
  .tuple(
    fc.constantFrom(4, 16),
    fc.array(fc.constantFrom(0, 1, 127, 128, 255), { minLength: 16, maxLength: 16 }),
    fc.nat(128),
  )
  .map(([length, bytes, prefix]) => {
    const ip = ipOf(Uint8Array.from(bytes.slice(0, length)))
    return parseIp(`${ip.text}/${prefix % (ip.bytes.length * 8 + 1)}`) ?? assert.fail()
  })

describe('NetworkIndex', () => {
  it('finds something exactly where a look at each would', () => {
    fc.assert(
      fc.property(fc.array(network, { maxLength: 30 }), network, (networks, asked) => {
        const items = networks.map((ip) => ({ ip }))
        const found = new NetworkIndex(items).overlapping(asked)
        const wanted = items.filter(({ ip }) => overlaps(ip, asked))
        assert.equal(found.length > 0, wanted.length > 0)
        assert.ok(found.every((item) => wanted.includes(item)))
        const around = wanted.filter(({ ip }) => ip.prefix <= asked.prefix)
        assert.ok(around.every((item) => found.includes(item)))
      }),
    )
  })
})
