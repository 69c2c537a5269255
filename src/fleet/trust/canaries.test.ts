import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { ipOf, overlaps, parseIp } from '../../domain/address.js'
import { Canaries } from './canaries.js'

it('canaries are found as a look at each would find them', () => {
  const address = fc.oneof(...[4, 16].map((length) => fc.uint8Array({ minLength: length, maxLength: length, max: 2 })))
  const network = fc
    .tuple(address, fc.nat(128))
    .map(([bytes, bits]) => parseIp(`${ipOf(bytes).text}/${Math.min(bits, bytes.length * 8)}`) ?? assert.fail())
  fc.assert(
    fc.property(fc.array(network), network, (all, asked) => {
      const found = new Canaries(all).touchedBy(asked)
      assert.equal(
        found !== undefined,
        all.some((one) => overlaps(one, asked)),
      )
      assert.ok(found === undefined || overlaps(found, asked))
    }),
  )
})
