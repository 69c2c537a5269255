import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Scope } from '../domain/enforcer.js'
import { runChild } from '../lib/child.js'
import { type Clock, systemClock } from '../lib/clock.js'
import { describeEnforcer } from './enforcer-contract.js'
import { closure, hourMs, timed } from './firewall-kit.js'
import { KernelEnforcer } from './kernel.js'
import { enterOwnNetwork, passRealTime } from './own-network.js'

const skip = await enterOwnNetwork()

for (const [name, features] of [
  ['the netlink enforcer', undefined],
  ['the netlink enforcer on a kernel before Linux 6.3', { canUpdate: false, canDestroy: false }],
] as const)
  describeEnforcer({
    name,
    skip,
    make: () => new KernelEnforcer({ clock: systemClock, ...(features && { features }) }),
    pass: passRealTime,
    outlives: true,
  })

describe('the netlink enforcer in the kernel', { skip: skip ?? false }, () => {
  // Nothing ends here that the kernel would have to sweep out first.
  const impatient: Clock = { now: systemClock.now, after: (_delayMs, task) => systemClock.after(0, task) }
  const scope: Scope = { jail: 'sshd', ports: 'all', protocols: ['tcp'] }
  let enforcer: KernelEnforcer
  beforeEach(async () => {
    enforcer = new KernelEnforcer({ clock: impatient })
    await enforcer.clear()
    await enforcer.arrange([scope])
  })
  afterEach(async () => {
    await enforcer.clear()
    enforcer.release()
  })

  it('says what was refused, and why, when others removed the table', async () => {
    await nft('delete table inet tocsin')
    await assert.rejects(enforcer.close([timed('sshd', '192.0.2.1', hourMs)]), {
      name: 'NftError',
      code: 'ENOENT',
      message: /NEWSETELEM of elements of set v4-sshd: ENOENT .*another program removed it/,
    })
    assert.deepEqual(await enforcer.count(), new Map([['sshd', 0]]))
    assert.equal(await enforcer.drops(closure('sshd', '192.0.2.1')), undefined)
    await enforcer.arrange([scope])
    const wanted = [timed('sshd', '192.0.2.1', hourMs)]
    assert.deepEqual(await enforcer.reconcile(wanted), { kept: 0, added: 1, removed: 0 })
  })

  it('closes aside while other work goes on, and says what was refused', async () => {
    const many = Array.from({ length: 4000 }, (_, i) => timed('sshd', `10.9.${i >> 8}.${i & 255}`, hourMs))
    const closing = enforcer.closeAside(many)
    await setImmediate()
    await closing
    assert.deepEqual(await enforcer.reconcile(many), { kept: 4000, added: 0, removed: 0 })
    await enforcer.closeAside([timed('sshd', '192.0.2.0/24', hourMs)])
    assert.deepEqual(await enforcer.count(), new Map([['sshd', 4001]]))
    await assert.rejects(enforcer.closeAside([timed('nobody', '192.0.2.1', hourMs)]), /no jail "nobody"/)
    await nft('delete table inet tocsin')
    await assert.rejects(enforcer.closeAside(many), { name: 'NftError', code: 'ENOENT' })
  })

  it('counts not each closure of a jail that asks for none of that, and keeps it so as long as the set is there', async () => {
    const bulk = { ...scope, jail: 'bulk', isCounted: false }
    const counts = async () => {
      const answer = await runChild(['nft', 'list', 'sets', 'inet'], { timeoutMs: 10_000 })
      return ['sshd', 'bulk'].map((jail) => new RegExp(`set v4-${jail} \\{[^}]*counter`).test(answer.stdout))
    }
    await enforcer.arrange([scope, bulk])
    await enforcer.close([timed('bulk', '192.0.2.1', hourMs), timed('sshd', '192.0.2.1', hourMs)])
    assert.deepEqual(await counts(), [true, false])
    assert.deepEqual(await enforcer.drops(closure('sshd', '192.0.2.1')), { packets: 0, bytes: 0 })
    assert.equal(await enforcer.drops(closure('bulk', '192.0.2.1')), 'uncounted')
    assert.equal(await enforcer.drops(closure('bulk', '192.0.2.2')), undefined)
    await enforcer.arrange([
      { ...scope, isCounted: false },
      { ...bulk, isCounted: true },
    ])
    assert.deepEqual(await counts(), [true, false])
    assert.deepEqual(
      await enforcer.count(),
      new Map([
        ['sshd', 1],
        ['bulk', 1],
      ]),
    )
  })

  it('takes back in memory what the kernel refused', async () => {
    await enforcer.close([timed('sshd', '10.0.0.0/8', hourMs)])
    await nft('delete table inet tocsin')
    await assert.rejects(
      enforcer.close([timed('sshd', '10.1.0.0/16', undefined), timed('sshd', '172.16.0.0/12', hourMs)]),
    )
    await enforcer.arrange([scope])
    await enforcer.close([timed('sshd', '10.1.0.0/16', undefined)])
    assert.deepEqual(await enforcer.reconcile([timed('sshd', '10.1.0.0/16', undefined)]), {
      kept: 1,
      added: 0,
      removed: 8,
    })
  })

  it('makes the table anew when another hand made one of that name', async () => {
    await enforcer.clear()
    await nft('add table inet tocsin')
    await nft('add set inet tocsin v4-sshd { type inet_service; }')
    await nft('add chain inet tocsin prerouting { type filter hook prerouting priority -150; }')
    await enforcer.arrange([scope])
    await enforcer.close([timed('sshd', '192.0.2.1', hourMs)])
    const { stdout } = await runChild(['nft', 'list', 'table', 'inet', 'tocsin'], { timeoutMs: 5_000 })
    assert.match(stdout, /hook prerouting priority raw/)
    assert.match(stdout, /192\.0\.2\.1/)
  })

  it('drops what it should reject and log where the kernel refuses that, and says so', async () => {
    const said: string[] = []
    const other = new KernelEnforcer({ clock: systemClock, say: (sentence) => said.push(sentence) })
    await other.arrange([scope])
    await other.close([timed('sshd', '192.0.2.1', hourMs)])
    // No kernel takes a rate of nothing.
    await other.arrange([{ ...scope, verdict: 'reject', log: { packets: 0, per: 'day' } }])
    const { stdout } = await runChild(['nft', 'list', 'table', 'inet', 'tocsin'], { timeoutMs: 5_000 })
    assert.match(stdout, /ip saddr @v4-sshd (?:counter name \S+ )?drop/)
    assert.match(stdout, /192\.0\.2\.1/)
    assert.equal(said.length, 1)
    assert.match(said[0] ?? '', /^This kernel refuses rejecting or logging .*: packets are dropped \(.*EINVAL/)
    other.release()
  })

  it('leaves alone what others have in the packet filter', async () => {
    await nft('add table inet other')
    await enforcer.arrange([])
    await enforcer.clear()
    const { stdout } = await runChild(['nft', 'list', 'tables'], { timeoutMs: 5_000 })
    assert.equal(stdout.trim(), 'table inet other')
    await nft('delete table inet other')
  })

  it('keeps bans that are made while it compares, and lifts that are made meanwhile', async () => {
    const many = Array.from({ length: 5_000 }, (_, i) => timed('sshd', `10.0.${i >> 8}.${i & 255}`, hourMs))
    await enforcer.close(many)
    const comparing = enforcer.reconcile(many)
    await setImmediate()
    await enforcer.close([timed('sshd', '192.0.2.1', hourMs), timed('sshd', '203.0.113.0/24', hourMs)])
    await enforcer.open([closure('sshd', '10.0.0.7'), closure('sshd', '10.0.19.100')])
    await comparing
    assert.ok(await enforcer.drops(closure('sshd', '192.0.2.1')))
    assert.ok(await enforcer.drops(closure('sshd', '203.0.113.0/24')))
    assert.equal(await enforcer.drops(closure('sshd', '10.0.0.7')), undefined)
    assert.equal(await enforcer.drops(closure('sshd', '10.0.19.100')), undefined)
    assert.deepEqual(await enforcer.count(), new Map([['sshd', 5_000]]))
  })

  it('does a call of more than one transaction in parts, and bans in between', async () => {
    const many = Array.from({ length: 100_001 }, (_, i) =>
      timed('sshd', `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, hourMs),
    )
    const holdOpen = setInterval(() => {}, 1_000)
    const closing = enforcer.close(many)
    await setImmediate()
    assert.equal(await enforcer.drops(closure('sshd', '10.1.134.160')), undefined)
    await enforcer.close([timed('sshd', '192.0.2.1', hourMs)])
    assert.ok(await enforcer.drops(closure('sshd', '192.0.2.1')))
    await closing
    assert.deepEqual(await enforcer.count(), new Map([['sshd', 100_002]]))
    assert.deepEqual(await enforcer.reconcile([...many.slice(1), timed('sshd', '192.0.2.1', hourMs)]), {
      kept: 100_001,
      added: 0,
      removed: 1,
    })
    clearInterval(holdOpen)
  })

  it('cannot be used after it was released', async () => {
    enforcer.release()
    await assert.rejects(enforcer.close([timed('sshd', '192.0.2.1', hourMs)]), /closed/)
    enforcer = new KernelEnforcer({ clock: systemClock })
  })
})

async function nft(command: string): Promise<void> {
  const { exitCode, stderr } = await runChild(['nft', '-f', '-'], { stdin: `${command}\n`, timeoutMs: 5_000 })
  assert.equal(exitCode, 0, stderr)
}
