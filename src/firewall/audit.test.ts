import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { waitUntil } from '../../test/kit/wait-until.js'
import type { Audit, AuditRequest, Closure, ForeignChange, TimedClosure } from '../domain/enforcer.js'
import { runChild } from '../lib/child.js'
import { systemClock } from '../lib/clock.js'
import { closure, hourMs, timed } from './firewall-kit.js'
import { KernelEnforcer } from './kernel.js'
import { enterOwnNetwork } from './own-network.js'

const skip = await enterOwnNetwork()
const scopes = ['sshd', 'web'].map((jail) => ({ jail, ports: 'all' as const, protocols: [] }))

describe('the audit', { skip: skip ?? false }, () => {
  let enforcer: KernelEnforcer
  /** Who is to be shut out, as the gate would say. */
  let wanted: Map<string, TimedClosure>
  let states: string[]
  const keyOf = ({ jail, ip }: Closure) => `${jail} ${ip.text}`

  beforeEach(async () => {
    enforcer = new KernelEnforcer({ clock: systemClock })
    await enforcer.clear()
    await enforcer.arrange(scopes)
    wanted = new Map()
    states = []
  })
  afterEach(async () => {
    await enforcer.clear()
    enforcer.release()
  })

  async function ban(...closures: TimedClosure[]): Promise<void> {
    for (const one of closures) wanted.set(keyOf(one), one)
    await enforcer.close(closures)
  }

  function audit(options: Partial<AuditRequest> = {}): Promise<Audit> {
    return enforcer.audit({
      wanted: () => wanted.values(),
      wantedNow: (one) => wanted.get(keyOf(one)),
      settled: async () => {},
      isThorough: true,
      removeForeign: false,
      onFound: (one, isEnforced) => states.push(`${keyOf(one)} ${isEnforced}`),
      ...options,
    })
  }

  async function isClosed(...texts: string[]): Promise<boolean[]> {
    const found = texts.map((text) => {
      const [jail = '', ip = ''] = text.split(' ')
      return enforcer.drops(closure(jail, ip))
    })
    return (await Promise.all(found)).map((drops) => drops !== undefined)
  }

  const many = (count: number, jail = 'sshd') =>
    Array.from({ length: count }, (_, i) => timed(jail, `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, hourMs))

  it('finds nothing where nothing is wrong', async () => {
    await ban(...many(1200), timed('web', '2001:db8::1', undefined), timed('web', '198.51.100.0/24', hourMs))
    const { wanted: looked, enforced, missing, wrongEnd, foreign, repaired, rearranged, trouble } = await audit()
    assert.deepEqual(
      { looked, enforced, missing, wrongEnd, foreign, repaired, rearranged, trouble },
      {
        looked: 1202,
        enforced: 1202,
        missing: 0,
        wrongEnd: 0,
        foreign: 0,
        repaired: 0,
        rearranged: false,
        trouble: undefined,
      },
    )
    assert.deepEqual(states, [])
  })

  it('puts back what others took out, of every kind', async () => {
    const ips = ['203.0.113.1', '2001:db8::1', '198.51.100.0/24', '2001:db8:1::/48']
    await ban(...ips.map((ip) => timed('sshd', ip, hourMs)), ...many(700, 'web'))
    await nft('delete element inet tocsin v4-sshd { 203.0.113.1 }', 'flush set inet tocsin v6-sshd')
    await nft('flush set inet tocsin net4-sshd', 'delete element inet tocsin net6-sshd { 2001:db8:1::/48 }')
    await nft('delete element inet tocsin v4-web { 10.0.0.7, 10.0.1.7, 10.0.2.7 }')
    const found = await audit()
    assert.equal(found.missing, 7)
    assert.equal(found.repaired, 7)
    assert.equal(found.enforced, found.wanted)
    assert.ok(found.examples.missing.includes('sshd 203.0.113.1'))
    assert.deepEqual(await isClosed(...ips.map((ip) => `sshd ${ip}`), 'web 10.0.2.7'), [true, true, true, true, true])
    assert.deepEqual(
      states.filter((state) => state.includes('203.0.113.1')),
      ['sshd 203.0.113.1 false', 'sshd 203.0.113.1 true'],
    )
    assert.equal((await audit()).missing, 0)
  })

  it('gives a ban the end it should have', async () => {
    await ban(timed('sshd', '203.0.113.1', hourMs), timed('sshd', '203.0.113.2', hourMs))
    await nft(
      'delete element inet tocsin v4-sshd { 203.0.113.1 }',
      'add element inet tocsin v4-sshd { 203.0.113.1 timeout 30m }',
    )
    const found = await audit()
    assert.deepEqual([found.missing, found.wrongEnd, found.repaired], [0, 1, 1])
    assert.equal((await audit()).wrongEnd, 0)
  })

  it('reports what nobody wants, and removes it only when told to', async () => {
    await ban(timed('sshd', '203.0.113.1', hourMs), timed('sshd', '198.51.100.0/24', hourMs))
    await nft(
      'add element inet tocsin v4-sshd { 203.0.113.9 }',
      'add element inet tocsin v6-web { 2001:db8::9 timeout 1h }',
    )
    await nft('add element inet tocsin net4-web { 192.0.2.0/25 }')
    const seen = await audit()
    assert.deepEqual([seen.foreign, seen.removed], [3, 0])
    assert.deepEqual(seen.examples.foreign.sort(), ['sshd 203.0.113.9', 'web 192.0.2.0/25', 'web 2001:db8::9'])
    const repaired = await audit({ removeForeign: true })
    assert.deepEqual([repaired.foreign, repaired.removed], [3, 3])
    assert.deepEqual(await isClosed('sshd 203.0.113.9', 'web 2001:db8::9', 'sshd 203.0.113.1'), [false, false, true])
    assert.equal((await audit()).foreign, 0)
  })

  it('puts table, chain and rules back in place, and everybody in them', async () => {
    await ban(...many(3), timed('web', '198.51.100.0/24', hourMs))
    const before = await listing()
    for (const damage of [
      'flush ruleset',
      'flush chain inet tocsin prerouting',
      'insert rule inet tocsin prerouting accept',
      'add chain inet tocsin prerouting { policy drop; }',
      'add chain inet tocsin mine',
    ]) {
      await nft(damage)
      const found = await audit()
      assert.equal(found.rearranged, true, damage)
      assert.equal(found.enforced, 4, damage)
      assert.equal(await listing(), before, damage)
      assert.equal((await audit()).rearranged, false, damage)
    }
  })

  it('does not take a ban that comes or goes meanwhile for a mistake', async () => {
    const [late, gone] = [timed('sshd', '203.0.113.1', hourMs), timed('sshd', '203.0.113.2', hourMs)]
    await enforcer.close([gone])
    wanted.set(keyOf(late), late)
    const settled = async () => {
      await enforcer.close([late])
      await enforcer.open([gone])
    }
    const found = await audit({ settled, removeForeign: true })
    assert.deepEqual([found.missing, found.foreign, found.repaired, found.removed], [0, 0, 0, 0])
  })

  it('says what it cannot repair', async () => {
    await ban(timed('sshd', '203.0.113.1', hourMs))
    await nft('delete element inet tocsin v4-sshd { 203.0.113.1 }')
    const settled = () => nft('delete table inet tocsin')
    const found = await audit({ settled })
    assert.match(found.trouble ?? '', /nf_tables refused .*ENOENT/)
    assert.deepEqual([found.missing, found.repaired, found.enforced], [1, 0, 0])
    assert.deepEqual(states, ['sshd 203.0.113.1 false'])
    assert.deepEqual([(await audit()).enforced, states.at(-1)], [1, 'sshd 203.0.113.1 true'])
  })

  it('looks at a few only when it is told what others have touched', async () => {
    await ban(...many(50))
    await nft(
      'delete element inet tocsin v4-sshd { 10.0.0.1, 10.0.0.2 }',
      'add element inet tocsin v4-sshd { 203.0.113.9 }',
    )
    const touched = ['10.0.0.1', '203.0.113.9'].map((ip) => closure('sshd', ip))
    const found = await audit({ only: { closures: touched, networks: false } })
    assert.deepEqual([found.wanted, found.missing, found.foreign, found.repaired], [1, 1, 1, 1])
  })

  it('hears at once what others do to our table, and who, and not what we do', async () => {
    const heard: ForeignChange[] = []
    const stop = enforcer.watch((change) => heard.push(change))
    const next = async () => {
      await waitUntil(() => heard.length > 0, 'the change is heard of')
      return heard.shift()
    }
    await ban(...many(20_000))
    await nft('add table inet other', 'add table ip tocsin', 'delete table inet other')
    await nft('delete element inet tocsin v4-sshd { 10.0.0.1, 10.0.0.2 }')
    const first = await next()
    assert.deepEqual(first?.touched?.closures.map(keyOf).sort(), ['sshd 10.0.0.1', 'sshd 10.0.0.2'])
    assert.equal(first?.isStructure, false)
    assert.match(first?.by ?? '', /^nft \(pid \d+\)$/)
    await nft('add element inet tocsin net4-web { 192.0.2.0/24 }')
    assert.deepEqual((await next())?.touched, { closures: [], networks: true })
    await nft('flush chain inet tocsin prerouting')
    assert.deepEqual(await next().then((change) => [change?.isStructure, change?.touched]), [true, undefined])
    // More news than the socket holds.
    await nft('flush set inet tocsin v4-sshd')
    assert.equal((await next())?.touched, undefined)
    stop()
  })

  async function nft(...lines: string[]): Promise<void> {
    const { exitCode, stderr } = await runChild(['nft', '-f', '-'], {
      stdin: `${lines.join('\n')}\n`,
      timeoutMs: 10_000,
    })
    assert.equal(exitCode, 0, stderr)
  }

  /** Without what changes by itself. */
  async function listing(): Promise<string> {
    const { stdout } = await runChild(['nft', 'list', 'table', 'inet', 'tocsin'], { timeoutMs: 10_000 })
    return stdout.replace(/ expires \w+/g, '').replace(/timeout \w+/g, '')
  }
})
