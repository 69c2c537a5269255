import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseIp } from '../../domain/address.js'
import { FleetAddresses } from './fleet-addresses.js'

const ip = (text: string) => parseIp(text) ?? assert.fail(text)

function setUp() {
  const told: string[] = []
  const distrusted = new Set<string>()
  const brokers: string[][] = []
  const addresses = new FleetAddresses({
    protection: { setFleet: (members) => void brokers.push(members.map(({ ip }) => ip.text)) },
    isTrusted: (node) => !distrusted.has(node),
    onPeer: ({ text }, node) => told.push(`${node} ${text}`),
  })
  const reason = (text: string) => addresses.reasonAgainst(ip(text))
  return { addresses, told, distrusted, brokers, reason }
}

describe('the addresses of a fleet', () => {
  it('are those that members have told, and are news once', () => {
    const { addresses, told, reason } = setUp()
    for (let n = 0; n < 3; n++) addresses.tell('web1', '203.0.113.1')
    addresses.tell('web1', 'nonsense')
    assert.deepEqual(told, ['web1 203.0.113.1'])
    assert.equal(reason('203.0.113.1'), '203.0.113.1 is web1 of the fleet')
    assert.equal(reason('203.0.113.0/24'), '203.0.113.1 is web1 of the fleet')
    assert.equal(reason('203.0.113.2'), undefined)
  })

  it('may be one for several members, behind one router: no news each time that another of them says so', () => {
    const { addresses, told, distrusted, reason } = setUp()
    for (let n = 0; n < 3; n++) for (const node of ['web1', 'web2']) addresses.tell(node, '203.0.113.1')
    assert.deepEqual(told, ['web1 203.0.113.1', 'web2 203.0.113.1'])
    distrusted.add('web2')
    assert.equal(reason('203.0.113.1'), '203.0.113.1 is web1 of the fleet')
    distrusted.add('web1')
    assert.equal(reason('203.0.113.1'), undefined)
  })

  it('of a member are the last four', () => {
    const { addresses, reason } = setUp()
    addresses.tell('web2', '203.0.113.1')
    for (let n = 1; n <= 6; n++) addresses.tell('web1', `203.0.113.${n}`)
    assert.deepEqual(
      [1, 2, 3, 6].map((n) => reason(`203.0.113.${n}`)),
      [
        '203.0.113.1 is web2 of the fleet',
        undefined,
        '203.0.113.3 is web1 of the fleet',
        '203.0.113.6 is web1 of the fleet',
      ],
    )
  })

  it('of brokers are in their URLs, or looked up', async () => {
    const { addresses, brokers } = setUp()
    await addresses.setBrokers('tls://192.0.2.5:4222,tls://[2001:db8::5]:4222,tls://nobody.invalid:4222')
    assert.deepEqual(brokers, [['192.0.2.5', '2001:db8::5']])
  })
})
