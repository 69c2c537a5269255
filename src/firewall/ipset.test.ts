import assert from 'node:assert/strict'
import dgram from 'node:dgram'
import { once } from 'node:events'
import { afterEach, describe, it } from 'node:test'
import { runChild } from '../lib/child.js'
import { systemClock } from '../lib/clock.js'
import { describeEnforcer } from './enforcer-contract.js'
import { closure, hourMs, ssh, timed } from './firewall-kit.js'
import { IpsetEnforcer } from './ipset.js'
import { ipsetName, jailChainName } from './ipset-layout.js'
import { IpsetTool } from './ipset-tool.js'
import { enterOwnNetwork, passRealTime } from './own-network.js'

const tool = new IpsetTool(systemClock)
const skip = (await enterOwnNetwork()) ?? (await tool.problem())
const make = () => new IpsetEnforcer({ clock: systemClock, tool })

describeEnforcer({
  name: 'the enforcer by ipset and iptables',
  skip,
  make,
  // Its ends are whole seconds.
  pass: (ms) => passRealTime(ms + 1_000),
  outlives: true,
})

describe('sets and rules of the enforcer by ipset and iptables', { skip: skip ?? false }, () => {
  const enforcer = make()
  afterEach(() => enforcer.clear())

  it('are put back by a comparison when others have taken them away', async () => {
    await enforcer.arrange([ssh])
    const wanted = [timed('sshd', '192.0.2.1', hourMs)]
    await enforcer.close(wanted)
    const before = await tool.rules('raw', 4)
    for (const words of ['-t raw -F', '-t raw -F tocsin', '-t raw -I PREROUTING -j ACCEPT'])
      await command('iptables', ...words.split(' '))
    await command('ipset', 'flush', ipsetName('v4', 'sshd'))
    assert.deepEqual(await enforcer.reconcile(wanted), { kept: 0, added: 1, removed: 0 })
    await command('iptables', '-t', 'raw', '-D', 'PREROUTING', '-j', 'ACCEPT')
    assert.equal(rulesOnly(await tool.rules('raw', 4)), rulesOnly(before))
  })

  it('come before what others have in the same place, once', async () => {
    await enforcer.arrange([ssh])
    await command('iptables', '-t', 'raw', '-I', 'PREROUTING', '-j', 'ACCEPT')
    for (let time = 0; time < 2; time++) {
      await enforcer.arrange([ssh])
      const rules = (await tool.rules('raw', 4)).match(/^-A PREROUTING .*$/gm)
      assert.deepEqual(rules, ['-A PREROUTING -j tocsin', '-A PREROUTING -j ACCEPT'])
    }
    await command('iptables', '-t', 'raw', '-F', 'PREROUTING')
  })

  it('take more ports than one rule does', async () => {
    const ports = Array.from({ length: 40 }, (_, n) => ({ first: 100 * n, last: 100 * n + (n % 3) }))
    await enforcer.arrange([{ jail: 'many', ports, protocols: ['tcp', 'udp'] }])
    const text = await tool.rules('raw', 6)
    const lists = [...text.matchAll(/-p tcp -m multiport --dports (\S+) -m set --match-set tocsin-v6-many/g)]
    assert.equal(lists.flatMap(([, list]) => list?.split(',') ?? []).length, ports.length)
  })

  it('tell by jail what they have kept out', async () => {
    await command('ip', 'link', 'set', 'lo', 'up')
    await enforcer.arrange([
      { jail: 'all', ports: 'all', protocols: [], log: { packets: 100_000, per: 'second' } },
      ssh,
    ])
    await enforcer.close([timed('all', '127.0.0.1', hourMs)])
    const socket = dgram.createSocket('udp4')
    socket.send('abc', 9, '127.0.0.1')
    await once(socket, 'listening')
    let drops = await enforcer.dropsByJail()
    while (drops.get('all')?.packets === 0) drops = await enforcer.dropsByJail()
    socket.close()
    assert.deepEqual(Object.fromEntries(drops), { all: { packets: 1, bytes: 31 }, sshd: { packets: 0, bytes: 0 } })
  })

  it('are gone without a trace when it is cleared', async () => {
    await enforcer.arrange([
      { ...ssh, verdict: 'reject', rejectWith: 'tcp-reset' },
      { ...ssh, jail: 'logged "\\\n', log: { packets: 1, per: 'second' } },
    ])
    await enforcer.close([timed('sshd', '0.0.0.0/0', hourMs)])
    assert.deepEqual(await enforcer.drops(closure('sshd', '0.0.0.0/0')), { packets: 0, bytes: 0 })
    await enforcer.clear()
    assert.deepEqual(await tool.setNames(), [])
    for (const table of ['raw', 'filter'] as const)
      for (const family of [4, 6] as const) assert.doesNotMatch(await tool.rules(table, family), /tocsin/)
  })

  it('have names that the kernel takes, different for each jail', () => {
    const jails = ['sshd', 'x'.repeat(21), 'x'.repeat(22), 'x'.repeat(23), '\u{1f512}'.repeat(9), '..', 'a b', 'a.20b']
    const names = new Set(jails.map((jail) => ipsetName('net6', jail)))
    assert.equal(names.size, jails.length)
    for (const name of names) assert.match(name, /^[\w.-]{1,31}$/)
    for (const jail of jails) assert.ok(jailChainName(jail).length <= 28)
  })
})

/** Without counters and dates. */
function rulesOnly(text: string): string {
  return (text.match(/^-A .*$/gm) ?? []).join('\n')
}

async function command(...argv: string[]): Promise<void> {
  const { exitCode, stderr } = await runChild(argv, { timeoutMs: 10_000 })
  assert.equal(exitCode, 0, stderr)
}
