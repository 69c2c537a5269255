import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ipOf, parseIp } from '../../domain/address.js'
import { addressToken, bansSubject, batchSubject, parseSubject, shardOf, sightSubject } from './subject.js'

const ip = (text: string) => parseIp(text) ?? assert.fail(text)

describe('a subject', () => {
  it('says whose it is and what of', () => {
    assert.deepEqual(parseSubject('bans.web7.4.203.0.113.9'), { kind: 'bans', node: 'web7', ip: ip('203.0.113.9') })
    assert.deepEqual(parseSubject('bans.web7.batch.12'), { kind: 'bans', node: 'web7', ip: undefined })
    assert.deepEqual(parseSubject('sight.3f.web7'), { kind: 'sight', node: 'web7', shard: 0x3f })
    assert.deepEqual(parseSubject('ctl.revoke.web7'), { kind: 'ctl-member', what: 'revoke', node: 'web7' })
    assert.deepEqual(parseSubject('ctl.mode'), { kind: 'ctl', what: 'mode' })
    assert.deepEqual(parseSubject('hb.web7'), { kind: 'hb', node: 'web7' })
  })

  it('of an address is the same one for everybody, and gives the address back', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    )
    fc.assert(
      fc.property(bytes, fc.nat(128), (address, prefix) => {
        const network = ip(`${ipOf(address).text}/${Math.min(prefix, ipOf(address).bytes.length * 8)}`)
        assert.deepEqual(parseSubject(bansSubject('web7', network)), { kind: 'bans', node: 'web7', ip: network })
      }),
    )
    assert.deepEqual(
      ['203.0.113.9', '203.0.113.0/24', '2001:db8::1', '2001:db8::/32'].map((text) => addressToken(ip(text))),
      ['4.203.0.113.9', '4.203.0.113.0.p24', `6.20010db8${'0'.repeat(23)}1`, `6.20010db8${'0'.repeat(24)}.p32`],
    )
  })

  for (const text of [
    '',
    'bans',
    'bans.web7',
    'bans.WEB7.batch',
    'bans..batch',
    'bans.web7.batch.',
    'bans.web7.batch.a.b',
    'bans.*.batch',
    'bans.>',
    'bans.web7.4.203.0.113',
    'bans.web7.4.203.0.113.256',
    'bans.web7.4.203.0.113.9.p32',
    'bans.web7.4.203.0.113.9.p24',
    'bans.web7.6.20010db8',
    `bans.web7.6.${'0'.repeat(20)}ffffcb007109`,
    'sight.3F.web7',
    'sight.100.web7',
    'sight.all.web7.x',
    'head.x',
    'hb',
    'ctl.kill',
    'ctl.mode.x',
    'ctl.revoke',
    'ctl.unban.4.1.2.3',
    '_I.web7.x',
    '$JS.API.INFO',
    `hb.${'x'.repeat(33)}`,
    `bans.web7.batch.${'x'.repeat(200)}`,
  ])
    it(`is not ${text}`, () => assert.equal(parseSubject(text), undefined))

  it('of sightings and batches is read as it is written', () => {
    for (const text of [sightSubject('a', 7), sightSubject('a', undefined), batchSubject('a'), batchSubject('a', '1')])
      assert.notEqual(parseSubject(text), undefined, text)
  })

  it('keeps neighbours in one shard', () => {
    assert.equal(shardOf(ip('203.0.113.9')), shardOf(ip('203.0.113.0/24')))
    assert.equal(shardOf(ip('2001:db8::1')), shardOf(ip('2001:db8:0:ffff::/64')))
    const shards = new Set(Array.from({ length: 2000 }, (_, i) => shardOf(ip(`10.${i >> 8}.${i & 255}.1`))))
    assert.ok(shards.size > 240, `${shards.size}`)
  })
})
