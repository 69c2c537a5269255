import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import ipaddr from 'ipaddr.js'
import { contains, ipOf, overlaps, parseIp } from './address.js'

const ip = (text: string) => parseIp(text) ?? assert.fail(`${text} is an address`)

describe('parseIp', () => {
  it('prints every address in its one canonical form', () => {
    const table = [
      ['192.0.2.1', '192.0.2.1'],
      ['192.0.2.1/32', '192.0.2.1'],
      ['10.0.0.1/255.0.0.0', '10.0.0.0/8'],
      ['1.2.3.4/0', '0.0.0.0/0'],
      ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
      ['[2001:db8::1]', '2001:db8::1'],
      ['2001:db8::/ffff:ffff::', '2001:db8::/32'],
      ['::ffff:192.0.2.7', '192.0.2.7'],
      ['::ffff:192.0.2.7/120', '192.0.2.0/24'],
      ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
      ['::', '::'],
    ]
    for (const [given = '', wanted] of table) assert.equal(parseIp(given)?.text, wanted, given)
  })

  it('takes nothing that is not exactly an address', () => {
    const wrong = [
      '',
      '01.2.3.4',
      '999.9.9.9',
      '1.2.3',
      '1.2.3.4:22',
      'fe80::1%eth0',
      'host',
      '1.2.3.4/33',
      '1.2.3.4/-1',
      '[1.2.3.4]',
      '1.2.3.4/255.0.255.0',
      '1.2.3.4 ',
      '::1/129',
      '1.2.3.4/',
      '/8',
      '1.2.3.4/8/8',
    ]
    for (const text of wrong) assert.equal(parseIp(text), undefined, text)
  })

  it('agrees with another implementation on any IPv6 bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const printed = ipOf(bytes).text
        const other = ipaddr.fromByteArray([...bytes]) as ipaddr.IPv6
        assert.equal(printed, other.isIPv4MappedAddress() ? other.toIPv4Address().toString() : other.toRFC5952String())
        assert.deepEqual(ip(printed), ipOf(bytes))
      }),
    )
  })
})

describe('networks', () => {
  it('contain what shares their prefix, in their own family only', () => {
    assert.ok(contains(ip('10.0.0.0/8'), ip('10.255.0.1')))
    assert.ok(contains(ip('10.0.0.0/9'), ip('10.127.0.0/16')))
    assert.ok(!contains(ip('10.0.0.0/9'), ip('10.128.0.0/16')))
    assert.ok(!contains(ip('10.0.0.0/16'), ip('10.0.0.0/8')))
    assert.ok(!contains(ip('::/0'), ip('10.0.0.1')))
  })

  it('overlap when one contains the other', () => {
    assert.ok(overlaps(ip('0.0.0.0/0'), ip('10.0.0.1')))
    assert.ok(overlaps(ip('10.0.0.1'), ip('0.0.0.0/0')))
    assert.ok(!overlaps(ip('10.0.0.0/24'), ip('10.0.1.0/24')))
  })
})
