import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runChild } from '../lib/child.js'
import { systemClock } from '../lib/clock.js'
import { chooseEnforcer } from './choose.js'
import { enterOwnNetwork } from './own-network.js'

const skip = (await enterOwnNetwork()) ?? false
const clock = systemClock

describe('the choice of an enforcer', () => {
  it('only simulates when it is asked to', async () => {
    const { enforcer, reason } = await chooseEnforcer({ clock, simulate: true })
    assert.equal(enforcer.kind, 'simulate')
    assert.match(reason, /^bans are only simulated, no packet is dropped: it was asked for$/)
  })

  it('takes netlink where that works, and leaves the kernel as it is', { skip }, async () => {
    await runChild(['nft', 'flush', 'ruleset'], { timeoutMs: 5_000 })
    const { enforcer, reason } = await chooseEnforcer({ clock, simulate: false })
    enforcer.release()
    assert.equal(enforcer.kind, 'netlink')
    assert.match(reason, /netlink/)
    assert.equal((await runChild(['nft', 'list', 'ruleset'], { timeoutMs: 5_000 })).stdout, '')
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
