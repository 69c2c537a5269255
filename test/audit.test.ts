import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { before, describe, it } from 'node:test'
import { ask } from '../src/api/client.js'
import type { AuditView, Status } from '../src/api/operations.js'
import { runChild } from '../src/lib/child.js'
import { type DaemonProcess, House, onlySshd } from './kit/daemon-kit.js'
import { elementsOf, TwoHosts, table, withoutNetwork } from './kit/two-hosts.js'
import { waitUntil } from './kit/wait-until.js'

const port = 2222
const banned4 = '192.0.2.2'
const banned6 = '2001:db8::2'
const bystander = '192.0.2.99'

/** What others do to our table on a living machine: somebody who is banned gets in for a moment at most. */
describe('what others do to the table', { skip: withoutNetwork }, () => {
  let hosts: TwoHosts
  let house: House
  let daemon: DaemonProcess

  before(async () => {
    hosts = await TwoHosts.make([bystander, banned4, banned6], [port])
    await waitUntil(() => hosts.connects(bystander, port), 'the networks are joined over IPv4')
    await waitUntil(() => hosts.connects(banned6, port), 'the networks are joined over IPv6')
    house = new House({ jails: onlySshd(`port = ${port}`), own: '[enforcement]\naudit = 0\n' })
    daemon = await house.serve()
    const made = await house.tocsin('ban', banned4, banned6, '198.51.100.0/24', '-j', 'sshd', '--for', '1h')
    assert.equal(made.exitCode, 0, made.stderr)
  })

  async function isAsBefore(): Promise<boolean> {
    const listed = (await table()) ?? ''
    return (
      [banned4, banned6, '198.51.100.0/24'].every((ip) => listed.includes(ip)) && listed.includes('hook prerouting')
    )
  }

  const damages: Record<string, string> = {
    'a flush of all rules': 'flush ruleset',
    'the end of our table': 'delete table inet tocsin',
    'a flush of a set': 'flush set inet tocsin v4-sshd',
    'the end of an element': `delete element inet tocsin v6-sshd { ${banned6} }`,
    'the end of a network': 'delete element inet tocsin net4-sshd { 198.51.100.0/24 }',
    'a flush of our chain': 'flush chain inet tocsin prerouting',
    'a rule before ours': 'insert rule inet tocsin prerouting accept',
    // As a packet filter's service does when it starts.
    'a configuration that begins anew':
      'flush ruleset\ntable inet filter {\n chain input {\n  type filter hook input priority 0\n }\n}',
  }
  for (const [name, damage] of Object.entries(damages))
    it(`is undone at once: ${name}`, async () => {
      const changes = (await house.status()).enforcement.foreignChanges
      await nft(damage)
      const heard = async () => (await house.status()).enforcement.foreignChanges > changes
      await waitUntil(heard, 'the change is heard of', 1000)
      await waitUntil(isAsBefore, () => `all is as it was; the log says ${house.read()}`, 1000)
      const knocking = hosts.keepTrying(banned4, port)
      await waitUntil(() => knocking.tried > 20, 'somebody who is banned has knocked again')
      await knocking.stop()
      assert.equal(knocking.made, 0)
      assert.deepEqual(await Promise.all([banned4, banned6].map((ip) => hosts.connects(ip, port))), [false, false])
      assert.equal(await hosts.connects(bystander, port), true)
      const { bans } = await house.status()
      assert.deepEqual(bans, { live: 3, enforced: 3 })
    })

  it('is told in the log, with who it was', () => {
    assert.match(house.read(), /Somebody \(nft \(pid \d+\)\) has changed the firewall's table: .*put right/)
  })

  it('is reported, and removed when tocsin audit is told so, if it bans somebody whom nobody wants banned', async () => {
    await nft('add element inet tocsin v4-sshd { 203.0.113.7 timeout 1h }')
    const seen = await house.tocsin('audit')
    assert.equal(seen.exitCode, 1)
    assert.match(seen.stdout, /^Enforced 3 of 3, looked at in \d+ ms\n {2}1 that nobody wants \(sshd 203\.0\.113\.7\)/)
    assert.equal(await elementsOf('203.0.113.7'), 1)
    const removed = await house.tocsin('audit', '--repair', '--json')
    assert.equal(removed.exitCode, 0)
    const { foreign, removed: gone } = JSON.parse(removed.stdout) as AuditView
    assert.deepEqual([foreign, gone], [1, 1])
    assert.equal(await elementsOf('203.0.113.7'), 0)
  })

  it('is in status: so many of so many, and what the last audit found', async () => {
    assert.equal((await house.tocsin('audit')).exitCode, 0)
    const { stdout } = await house.tocsin('status')
    assert.match(stdout, /enforced 3 of 3/)
    assert.match(stdout, /^Audit \w+ ago: nothing wrong; others have changed our table \d+ times$/m)
    const { enforcement } = await house.json<Status>('status')
    assert.equal(enforcement.audit?.wanted, 3)
    assert.equal(enforcement.failures, 0)
  })

  it('does not stop what is dropped from being counted, for each ban, jail and for a scraper', async () => {
    assert.equal(await hosts.connects(banned4, port), false)
    const [ban] = (await house.why(banned4)).bans
    assert.ok((ban?.drops?.packets ?? 0) > 0)
    const dropped = (await house.jail()).dropped?.packets ?? 0
    assert.ok(dropped >= (ban?.drops?.packets ?? 0))
    await nft('flush ruleset')
    await waitUntil(isAsBefore, 'all is as it was')
    assert.ok(((await house.jail()).dropped?.packets ?? 0) >= dropped, 'what was counted before is not forgotten')
    const text = await ask<string>(house.socket, '/v1/metrics')
    const [, packets] = /^tocsin_dropped_packets_total\{jail="sshd"\} (\d+)$/m.exec(text) ?? []
    assert.ok(Number(packets) >= dropped)
    assert.match(text, /^tocsin_enforced 3$/m)
    assert.match(text, /^tocsin_bans_live\{jail="sshd"\} 3$/m)
    assert.equal((await house.tocsin('metrics')).stdout.split('\n')[0], text.split('\n')[0])
  })

  it('has in its metrics what the manual names, and nothing else', async () => {
    const manual = readFileSync(path.join(import.meta.dirname, '../docs/metrics.md'), 'utf8')
    // Those of a fleet: test/fleet-commands.
    const told = new Set(manual.match(/\btocsin_(?!fleet_)\w+/g))
    const text = await ask<string>(house.socket, '/v1/metrics')
    const given = new Set([...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name))
    assert.deepEqual([...told].sort(), [...given].sort())
  })

  it('leaves nothing behind when the daemon ends', async () => {
    assert.equal(await daemon.end(), 0)
    assert.equal(await table(), undefined)
  })
})

describe('tocsin audit without netlink', { skip: withoutNetwork }, () => {
  it('puts back what is missing, too, and removes what nobody wants', async () => {
    const house = new House({ jails: onlySshd(), own: '[enforcement]\nby = nft\n' })
    const daemon = await house.serve()
    assert.equal((await house.tocsin('ban', '203.0.113.1', '198.51.100.0/24', '-j', 'sshd')).exitCode, 0)
    assert.equal((await house.status()).enforcement.kind, 'nft')
    await nft('delete element inet tocsin v4-sshd { 203.0.113.1 }\nadd element inet tocsin v4-sshd { 203.0.113.7 }')
    const { wanted, missing, repaired, foreign, removed } = await house.json<AuditView>('audit')
    assert.deepEqual([wanted, missing, repaired, foreign, removed], [2, 1, 1, 1, 1])
    assert.deepEqual(await Promise.all(['203.0.113.1', '203.0.113.7'].map(elementsOf)), [1, 0])
    await daemon.end()
  })

  it('says that nothing is enforced where bans are only simulated', async () => {
    const house = new House({ jails: onlySshd() })
    const daemon = await house.serve('--simulate')
    assert.equal((await house.tocsin('ban', '203.0.113.1', '-j', 'sshd')).exitCode, 0)
    const { exitCode, stdout } = await house.tocsin('audit')
    assert.equal(exitCode, 1)
    assert.match(stdout, /^Enforced 0 of 1,.*\n {2}not repaired: bans are only simulated/)
    await daemon.end()
  })
})

async function nft(script: string): Promise<void> {
  const { exitCode, stderr } = await runChild(['nft', '-f', '-'], { stdin: `${script}\n`, timeoutMs: 10_000 })
  assert.equal(exitCode, 0, stderr)
}
