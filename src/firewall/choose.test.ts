import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runChild } from '../lib/child.js'
import { systemClock } from '../lib/clock.js'
import { type ChooseOptions, chooseEnforcer } from './choose.js'
import { IpsetTool } from './ipset-tool.js'
import { enterOwnNetwork } from './own-network.js'

const skip = (await enterOwnNetwork()) ?? false
const skipIpset = skip || ((await new IpsetTool(systemClock).problem()) ?? false)
const clock = systemClock

describe('the choice of an enforcer', () => {
  it('only simulates when it is asked to', async () => {
    for (const options of [{ simulate: true }, { simulate: false, by: 'simulate' as const }]) {
      const { enforcer, reason } = await chooseEnforcer({ clock, ...options })
      assert.equal(enforcer.kind, 'simulate')
      assert.match(reason, /^bans are only simulated, no packet is dropped: it was asked for$/)
    }
  })

  it('takes netlink where that works, and leaves the kernel as it is', { skip }, async () => {
    await runChild(['nft', 'flush', 'ruleset'], { timeoutMs: 5_000 })
    const { enforcer, reason } = await chooseEnforcer({ clock, simulate: false })
    enforcer.release()
    assert.equal(enforcer.kind, 'netlink')
    assert.match(reason, /netlink/)
    assert.equal((await runChild(['nft', 'list', 'ruleset'], { timeoutMs: 5_000 })).stdout, '')
  })

  it('takes the one that is asked for, and leaves the kernel as it is', { skip: skipIpset }, async () => {
    await runChild(['nft', 'flush', 'ruleset'], { timeoutMs: 5_000 })
    for (const by of ['netlink', 'nft', 'ipset'] as const) {
      const { enforcer, reason } = await chooseEnforcer({ clock, simulate: false, by })
      enforcer.release()
      assert.equal(enforcer.kind, by)
      assert.match(reason, /^bans go .* \(it was asked for\)$/)
    }
    const { stdout } = await runChild(['nft', 'list', 'ruleset'], { timeoutMs: 5_000 })
    assert.doesNotMatch(stdout, /tocsin/)
    assert.deepEqual(await new IpsetTool(clock).setNames(), [])
  })

  it('tries no other than the one that is asked for', { skip }, async () => {
    const run = async () => ({ exitCode: 1, stdout: '', stderr: 'out of order' })
    const { enforcer, reason } = await chooseEnforcer({ clock, simulate: false, by: 'nft', run })
    assert.equal(enforcer.kind, 'simulate')
    assert.match(reason, /no packet is dropped: nft: .*out of order; no other was tried/)
  })

  it('takes ipset where netlink and nft do not work, and says why', { skip: skipIpset }, async () => {
    const run = async () => ({ exitCode: 1, stdout: '', stderr: 'out of order' })
    const said: string[] = []
    const { enforcer, reason } = await withoutNetlink({
      clock,
      simulate: false,
      run,
      ingress: ['eth0'],
      say: (sentence) => said.push(sentence),
    })
    assert.equal(enforcer.kind, 'ipset')
    assert.match(reason, /^bans go through ipset and iptables \(netlink: .*EPROTONOSUPPORT.*; nft: .*out of order\)$/)
    assert.match(said.join(), /no hook "ingress"/)
  })

  it('says in one line why it only simulates without the right to more', { skip }, async () => {
    const script = `
      const { chooseEnforcer } = await import(${JSON.stringify(new URL('choose.ts', import.meta.url).href)})
      const { enforcer, reason } = await chooseEnforcer({ clock: { now: Date.now, after: () => () => {} }, simulate: false })
      process.stdout.write(enforcer.kind + ' ' + reason)`
    const node = [process.execPath, '--import', 'tsx', '--input-type=module', '-e', script]
    const unprivileged = ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin']
    const { stdout, stderr } = await runChild([...unprivileged, ...node], { timeoutMs: 20_000 })
    assert.match(stdout, /^simulate bans are only simulated, no packet is dropped: .*CAP_NET_ADMIN.*$/, stderr)
  })
})
