import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ActionSpec } from '../domain/action-spec.js'
import { closeOf } from './takeover.js'

const origin = { file: 'jail.local', line: 3 }
const services = (name: string) => ({ ssh: 22, http: 80 })[name]

/** Properties as `fail2ban-client -d` shows them: the `type` is used up, the commands are filled in. */
function action(file: string, properties: Record<string, string> = {}): ActionSpec {
  const ban = { actionban: 'tool <ip>', port: 'ssh,http', protocol: 'tcp', name: 'j', chain: 'INPUT' }
  return { file, name: file, properties: Object.entries({ ...ban, ...properties }), origin }
}

function close(actions: readonly ActionSpec[], jail: { port?: string; protocol?: string } = {}) {
  const sourced = (value: string | undefined) => (value === undefined ? undefined : { value, origin })
  return closeOf({ jail: 'j', actions, port: sourced(jail.port), protocol: sourced(jail.protocol), services })
}

const two = [
  { first: 22, last: 22 },
  { first: 80, last: 80 },
]
const withPorts = { actionstart: 'tool -p $proto --dports ssh,http -j x' }
const nftPorts = { actionstart: 'tool $proto dport \\{ $(echo "ssh,http") \\} x' }

describe('what a jail closes', () => {
  for (const [file, properties] of [
    ['iptables-multiport', withPorts],
    ['iptables', { actionstart: 'tool -p $proto --dport ssh,http' }],
    ['iptables-new', withPorts],
    ['iptables-ipset-proto6', withPorts],
    ['iptables-ipset-proto4', withPorts],
    ['nftables', nftPorts],
    ['nftables-multiport', nftPorts],
    ['firewallcmd-ipset', withPorts],
    ['firewallcmd-rich-rules', { actionban: 'tool add-rich-rule="rule port port=\'$p\' protocol=tcp"' }],
  ] as const)
    it(`are the ports of ${file}`, () => {
      const { scope, problems, notes } = close([action(file, properties)])
      assert.deepEqual(scope, { jail: 'j', ports: two, protocols: ['tcp'] })
      assert.deepEqual([problems, notes], [[], []])
    })

  for (const file of [
    'iptables-allports',
    'nftables-allports',
    'firewallcmd-allports',
    'iptables-ipset-proto6-allports',
  ])
    it(`are all ports with ${file}`, () => {
      assert.equal(close([action(file, withPorts)]).scope.ports, 'all')
    })

  it('are all ports where type=allports left no port in the commands', () => {
    assert.equal(close([action('nftables', { actionstart: 'tool meta l4proto \\{ tcp \\}' })]).scope.ports, 'all')
    assert.equal(close([action('iptables', { actionstart: 'tool -p $proto -j f2b-j' })]).scope.ports, 'all')
  })

  it('are those of all native actions together', () => {
    const both = close([
      action('iptables-multiport', withPorts),
      action('nftables', { ...nftPorts, port: '443', protocol: 'udp' }),
    ])
    assert.deepEqual(both.scope.protocols, ['tcp', 'udp'])
    assert.equal(both.scope.ports.length, 3)
    assert.equal(close([action('iptables-multiport', withPorts), action('iptables-allports')]).scope.ports, 'all')
  })

  it('is what the jail says where no action filters packets, and the action is named', () => {
    const { scope, notes } = close([action('hostsdeny'), action('sendmail-whois')], {
      port: 'http',
      protocol: 'tcp,udp',
    })
    assert.deepEqual(scope, { jail: 'j', ports: [{ first: 80, last: 80 }], protocols: ['tcp', 'udp'] })
    assert.equal(notes.length, 1)
    assert.match(notes[0] ?? '', /"hostsdeny", "sendmail-whois" are not carried out yet/)
  })

  it('tells a stock action from one that begins alike', () => {
    assert.match(close([action('iptables-xt_recent-echo')]).notes[0] ?? '', /iptables-xt_recent-echo/)
    assert.match(close([action('my-iptables')]).notes[0] ?? '', /my-iptables/)
  })

  it('says where a port was written that means nothing', () => {
    const { problems } = close([action('iptables-multiport', { ...withPorts, port: 'ssh,nosuch' })])
    assert.deepEqual(
      problems.map(({ severity, origin, jail }) => [severity, origin, jail]),
      [['error', origin, 'j']],
    )
    assert.match(problems[0]?.message ?? '', /"nosuch"/)
  })
})
