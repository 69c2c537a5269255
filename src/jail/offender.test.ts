import assert from 'node:assert/strict'
import { it } from 'node:test'
import { offenderOf } from './offender.js'

it('lets an IPv6 address answer by its network, and everybody else by himself', () => {
  const table: [id: string, offender: string][] = [
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8:1:2:8000::/65', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::/64', '2001:db8:1:2::/64'],
    ['2001:db8:1::/48', '2001:db8:1::/48'],
    ['2002:c000:204::1', '2002:c000:204::/64'],
    ['192.0.2.1', '192.0.2.1'],
    ['user: a:b', 'user: a:b'],
  ]
  for (const [id, offender] of table) assert.equal(offenderOf(id, 64), offender, id)
  assert.equal(offenderOf('2001:db8:1:2ff::1', 56), '2001:db8:1:200::/56')
})

it('never takes the neighbours in where they are somebody else: one house, translated IPv4, Teredo', () => {
  for (const id of ['fe80::1', 'fd00::1', '::1', '64:ff9b::192.0.2.1', '64:ff9b:1::1', '2001:0:c000:201::1'])
    assert.equal(offenderOf(id, 64), id)
})
