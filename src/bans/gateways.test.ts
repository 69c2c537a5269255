import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { tempDir } from '../../test/kit/temp-dir.js'
import { enterOwnNetwork, Network } from '../firewall/own-network.js'
import { gateways } from './gateways.js'
import { resolvers } from './resolvers.js'

const without = await enterOwnNetwork()

describe('gateways and resolvers', () => {
  it('are those of the kernel’s routes, IPv4 and IPv6, as they come and go', { skip: without ?? false }, async () => {
    const network = Network.current()
    await network.ip(
      'link set lo up',
      'link add wire type veth peer name end',
      'addr add 198.51.100.9/24 dev wire',
      'addr add 2001:db8:1::9/64 dev wire nodad',
      'link set end up',
      'link set wire up',
    )
    assert.deepEqual(gateways('/proc/thread-self/net'), [])
    await network.ip(
      'route add default via 198.51.100.1',
      'route add 203.0.113.0/24 via 198.51.100.2',
      'route add default via 2001:db8:1::1',
      'route add 2001:db8:2::/48 via fe80::5 dev wire',
    )
    assert.deepEqual(
      new Set(gateways('/proc/thread-self/net').map(({ reason }) => reason)),
      new Set([
        '198.51.100.1 is the default gateway',
        '198.51.100.2 is a gateway of this machine',
        '2001:db8:1::1 is the default gateway',
        'fe80::5 is a gateway of this machine',
      ]),
    )
    await network.ip('route del default via 198.51.100.1')
    assert.equal(gateways('/proc/thread-self/net').length, 3)
  })

  it('are the name servers of resolv.conf, each once', () => {
    const file = path.join(tempDir(), 'resolv.conf')
    writeFileSync(
      file,
      '# nameserver 192.0.2.9\nnameserver 192.0.2.53\n nameserver\t2001:db8::53 # ours\nnameserver fe80::1%eth0\nsearch nameserver\nnameserver 192.0.2.53\n',
    )
    assert.deepEqual(
      resolvers([file, '/nonexistent']).map(({ ip }) => ip.text),
      ['192.0.2.53', '2001:db8::53', 'fe80::1'],
    )
  })
})
