import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import type { Explanation } from '../src/api/operations.js'
import { type DaemonProcess, failures, House, onlySshd, withoutDebian } from './kit/daemon-kit.js'
import { elementsOf, TwoHosts, table, withoutNetwork } from './kit/two-hosts.js'
import { waitUntil } from './kit/wait-until.js'

const port = 2222
const otherPort = 8080
const bystander = '192.0.2.99'

/** Real connections from a second network, real failures in a followed log, and what the kernel lets through. */
describe('a connection to the protected port', { skip: withoutNetwork }, () => {
  let hosts: TwoHosts

  before(async () => {
    const attackers = [2, 3, 4, 5, 6, 7, 8].flatMap((n) => [`192.0.2.${n}`, `2001:db8::${n}`])
    hosts = await TwoHosts.make([bystander, ...attackers], [port, otherPort])
    await waitUntil(() => hosts.connects(bystander, port), 'the networks are joined over IPv4')
    await waitUntil(() => hosts.connects('2001:db8::2', port), 'the networks are joined over IPv6')
  })

  const house = (banTime: string, base: 'shipped' | 'debian' = 'shipped') =>
    new House({ base, jails: onlySshd(`maxretry = 3\nport = ${port}\nbantime = ${banTime}`) })

  /** Writes the failures and waits until packets are dropped; a second is what the deciding line may take. */
  async function attack(target: House, ip: string): Promise<void> {
    assert.equal(await hosts.connects(ip, port), true)
    target.append(failures(ip, 2))
    assert.equal(await hosts.connects(ip, port), true)
    target.append(failures(ip))
    await waitUntil(async () => !(await hosts.connects(ip, port)), `${ip} is shut out`, 1000)
    assert.equal(await target.isBanned(ip, 'sshd'), true)
  }

  for (const ip of ['192.0.2.2', '2001:db8::2'])
    it(`from ${ip} works, stops with the deciding line, and works again when the ban ends`, async () => {
      const shipped = house('3s')
      const daemon = await shipped.serve()
      await attack(shipped, ip)
      assert.equal(await hosts.connects(ip, otherPort), true, 'a port that the jail does not name stays open')
      assert.equal(await hosts.connects(bystander, port), true, 'nobody else is shut out')
      const [ban] = (await shipped.json<Explanation>('why', ip)).bans
      assert.equal(ban?.enforced, true)
      assert.equal(ban?.lines.length, 3)
      assert.ok((ban?.drops?.packets ?? 0) > 0, 'dropped packets are counted')
      await waitUntil(() => hosts.connects(ip, port), `${ip} gets in again`)
      await shipped.untilFree(ip)
      await shipped.untilLogged(`[sshd] Unban ${ip}`)
      await daemon.end()
    })

  for (const ip of ['192.0.2.3', '2001:db8::3'])
    it(`from ${ip} works again after unban`, async () => {
      const shipped = house('1h')
      const daemon = await shipped.serve()
      await attack(shipped, ip)
      assert.equal((await shipped.tocsin('unban', ip)).exitCode, 0)
      assert.equal(await hosts.connects(ip, port), true)
      assert.equal(await elementsOf(ip), 0)
      await daemon.end()
    })

  for (const base of ['shipped', 'debian'] as const) {
    const skip = base === 'debian' ? withoutDebian : false
    it(`is stopped over kill -9 and a new start, on the ${base} configuration`, { skip }, async () => {
      const ips = base === 'shipped' ? ['192.0.2.4', '2001:db8::4'] : ['192.0.2.5', '2001:db8::5']
      const target = house('1h', base)
      const first = await target.serve()
      for (const ip of ips) await attack(target, ip)
      const before = await target.bans()
      await first.end('SIGKILL')
      for (const ip of ips) assert.equal(await hosts.connects(ip, port), false, 'the kernel goes on without us')
      const second = await target.serve()
      assert.deepEqual(await target.bans(), before)
      for (const ip of ips) await stillOut(ip)
      await unbanAll(target, ips)
      await killAgain(second, target, ips)
    })
  }

  async function stillOut(ip: string): Promise<void> {
    assert.equal(await hosts.connects(ip, port), false)
    assert.equal(await elementsOf(ip), 1, 'no duplicate')
  }

  async function unbanAll(target: House, ips: readonly string[]): Promise<void> {
    assert.equal((await target.tocsin('unban', ...ips)).exitCode, 0)
    for (const ip of ips) assert.equal(await hosts.connects(ip, port), true)
  }

  /** An unban is for good: the lines behind the ban must not bring it back. */
  async function killAgain(daemon: DaemonProcess, target: House, ips: readonly string[]): Promise<void> {
    await daemon.end('SIGKILL')
    const next = await target.serve()
    assert.deepEqual(await target.bans(), [])
    for (const ip of ips) assert.equal(await hosts.connects(ip, port), true)
    await next.end()
    assert.equal(await table(), undefined)
  }

  it('works again at the end of the ban, also when the daemon was killed in between', async () => {
    const ip = '192.0.2.6'
    const shipped = house('6s')
    const first = await shipped.serve()
    await attack(shipped, ip)
    const [ban] = await shipped.bans()
    await first.end('SIGKILL')
    const second = await shipped.serve()
    assert.equal((await shipped.bans())[0]?.endMs, ban?.endMs, 'the remaining time is kept')
    await waitUntil(() => hosts.connects(ip, port), `${ip} gets in again`)
    const kernelTickMs = 20
    assert.ok(Date.now() >= (ban?.endMs ?? 0) - kernelTickMs, 'not before its end')
    await shipped.untilFree(ip)
    await second.end()
  })

  it('works again at the end of the ban, also when no daemon runs any more', async () => {
    const ip = '2001:db8::7'
    const shipped = house('2s')
    const daemon = await shipped.serve()
    await attack(shipped, ip)
    await daemon.end('SIGKILL')
    await waitUntil(() => hosts.connects(ip, port), `${ip} gets in again`)
    assert.equal(await (await shipped.serve()).end(), 0)
  })

  it('stays shut out of the protected port when the daemon was killed right after an unban of another', async () => {
    const [kept, freed] = ['192.0.2.7', '192.0.2.8'] as const
    const shipped = house('1h')
    const first = await shipped.serve()
    await attack(shipped, kept)
    await attack(shipped, freed)
    await shipped.tocsin('unban', freed)
    await first.end('SIGKILL')
    const second = await shipped.serve()
    assert.deepEqual(
      (await shipped.bans()).map((ban) => ban.ip),
      [kept],
    )
    assert.equal(await hosts.connects(kept, port), false)
    assert.equal(await hosts.connects(freed, port), true)
    await second.end()
  })
})
