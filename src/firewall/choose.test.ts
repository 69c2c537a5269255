import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { runChild } from '../lib/child.js'
import { systemClock } from '../lib/clock.js'
import { chooseEnforcer } from './choose.js'
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

  it('takes ipset where koffi has no binary and there is no nft, and says why', { skip: skipIpset }, async (t) => {
    const { stdout, stderr } = await runChild(
      chosenBy({
        before: "process.dlopen = () => { throw new Error('no binary for this machine') }",
        options: "ingress: ['eth0'], say: console.log",
      }),
      {
        timeoutMs: 20_000,
        env: { ...process.env, PATH: directoryOf(t, ['ipset', 'iptables-save', 'ip6tables-save']) },
      },
    )
    const [said, chosen] = stdout.split('\n')
    assert.match(said ?? '', /no hook "ingress"/, stderr)
    assert.match(
      chosen ?? '',
      /^ipset bans go through ipset and iptables \(netlink: .*no binary for this machine.*; nft: .*ENOENT.*\)$/,
    )
  })

  it('says in one line why it only simulates without the right to more', { skip }, async () => {
    const unprivileged = ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin']
    const { stdout, stderr } = await runChild([...unprivileged, ...chosenBy({})], { timeoutMs: 20_000 })
    assert.match(stdout, /^simulate bans are only simulated, no packet is dropped: .*CAP_NET_ADMIN.*$/m, stderr)
  })
})

/** A process that prints what is chosen. */
function chosenBy({ before = '', options = '' }: { before?: string; options?: string }): string[] {
  const script = `
    ${before}
    const { chooseEnforcer } = await import(${JSON.stringify(new URL('choose.ts', import.meta.url).href)})
    const clock = { now: Date.now, after: () => () => {} }
    const { enforcer, reason } = await chooseEnforcer({ clock, simulate: false, ${options} })
    console.log(enforcer.kind + ' ' + reason)`
  return [process.execPath, '--import', 'tsx', '--input-type=module', '-e', script]
}

/** Holds these programs of the machine and no others. */
function directoryOf(t: TestContext, programs: readonly string[]): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-choose-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const places = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin']
  for (const program of programs) {
    const found = places.map((place) => path.join(place, program)).find((file) => existsSync(file))
    if (found !== undefined) symlinkSync(found, path.join(dir, program))
  }
  return dir
}
