import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { addressKey } from './address-key.js'
import { AddressTable } from './address-table.js'

it('finds what a Map would find, of IPv4 addresses and all others', () => {
  const ip = fc.oneof(
    fc.ipV4(),
    fc.nat(20).map((n) => `203.0.113.${n}`),
    fc.nat(20).map((n) => `2001:db8::${n + 1}`),
  )
  const step = fc.record({ isAdded: fc.boolean(), ip })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
      const table = new AddressTable()
      const model = new Map<string, number>()
      for (const [row, { isAdded, ip }] of steps.entries()) {
        const known = model.get(ip)
        assert.equal(table.find(addressKey(ip)), known ?? -1)
        if (isAdded && known === undefined) {
          table.add(addressKey(ip), row)
          model.set(ip, row)
        } else if (!isAdded && known !== undefined) {
          table.delete(known)
          model.delete(ip)
        }
      }
      assert.equal(table.size, model.size)
      for (const [ip, row] of model) {
        assert.equal(table.find(addressKey(ip)), row)
        assert.equal(table.keyOf(row), addressKey(ip))
      }
    }),
  )
})
