import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import net, { type AddressInfo } from 'node:net'
import { before, describe, it } from 'node:test'
import { runChild } from '../src/lib/child.js'
import { atTheEnd, DaemonProcess, failures, House, onlySshd } from './kit/daemon-kit.js'
import { TwoHosts, table, withoutNetwork } from './kit/two-hosts.js'
import { waitUntil } from './kit/wait-until.js'

const port = 2222

/** What `[enforcement]` can say, as an operator meets it. */
describe('[enforcement]', { skip: withoutNetwork }, () => {
  let hosts: TwoHosts

  before(async () => {
    hosts = await TwoHosts.make(['192.0.2.2', '192.0.2.3'], [])
    const server = net.createServer((socket) => socket.on('error', () => {}).resume())
    server.listen(port, '::')
    await once(server, 'listening')
    atTheEnd(() => server.close())
    await waitUntil(() => hosts.connects('192.0.2.2', port), 'the networks are joined')
  })

  const house = (own: string, action = '') =>
    new House({
      jails: onlySshd(`maxretry = 3\nport = ${port}\nbantime = 1h\n${action}`),
      own: `[enforcement]\n${own}\n`,
    })

  for (const cut of ['yes', 'no'])
    it(`cut = ${cut}: a connection that is open ${cut === 'yes' ? 'ends' : 'stays'} when its address is banned`, async () => {
      const target = house(`cut = ${cut}`)
      const daemon = await target.serve()
      const [mine, other] = [await hosts.open('192.0.2.2', port), await hosts.open('192.0.2.3', port)]
      target.append(failures('192.0.2.2', 3))
      await target.untilLogged('[sshd] Ban 192.0.2.2')
      if (cut === 'yes') {
        await waitUntil(() => mine.destroyed, 'the connection ends')
        await target.untilLogged('Ended 1 socket(s) and 0 tracked connection(s)')
      } else assert.equal(mine.destroyed, false)
      assert.equal(other.destroyed, false)
      mine.destroy()
      other.destroy()
      await daemon.end()
    })

  it('cut = yes: ends nothing for bans that a restart brings back', async () => {
    const target = house('cut = no')
    const first = await target.serve()
    const mine = await hosts.open('192.0.2.2', port)
    target.append(failures('192.0.2.2', 3))
    await target.untilLogged('[sshd] Ban 192.0.2.2')
    await first.end()
    target.write('config/tocsin.local', '[enforcement]\ncut = yes\n')
    const second = await target.serve()
    await target.untilLogged('[sshd] Restore Ban 192.0.2.2')
    const other = await hosts.open('192.0.2.3', port)
    target.append(failures('192.0.2.3', 3))
    await waitUntil(() => other.destroyed, 'the connection of a new ban ends')
    assert.equal(mine.destroyed, false)
    mine.destroy()
    await second.end()
  })

  it('log, hook and interfaces are in the packet filter; a missing interface is said and used when it comes', async () => {
    const target = house('log = 6/minute\nhook = ingress\ninterfaces = outside later0')
    const daemon = await target.serve()
    await target.untilLogged('No interface later0 here')
    const found = (await table()) ?? ''
    assert.match(found, /limit rate 6\/minute log prefix "tocsin sshd: "/)
    assert.match(found, /hook ingress device "outside"/)
    assert.match(found, /hook prerouting/)
    const argv = ['ip', 'link', 'add', 'later0', 'type', 'veth', 'peer', 'name', 'later1']
    assert.equal((await runChild(argv, { timeoutMs: 5_000 })).exitCode, 0)
    await waitUntil(async () => /devices = \{[^}]*later0/.test((await table()) ?? ''), 'the interface is used')
    target.append(failures('192.0.2.2', 3))
    await waitUntil(async () => !(await hosts.connects('192.0.2.2', port)), '192.0.2.2 is shut out')
    assert.equal(await hosts.connects('192.0.2.3', port), true)
    target.write('config/tocsin.local', '[enforcement]\nhook = ingress\ninterfaces = outside later0\n')
    const reload = await target.tocsin('reload')
    assert.equal(reload.exitCode, 0, reload.stdout + reload.stderr)
    assert.doesNotMatch((await table()) ?? '', /log prefix/)
    target.write('config/tocsin.local', '')
    assert.match((await target.tocsin('reload')).stdout, /hook, .* has changed: 'tocsin restart' applies it/)
    assert.equal(await hosts.connects('192.0.2.2', port), false, 'a reload keeps the ban')
    await daemon.end()
    assert.equal(await table(), undefined)
  })

  it('begins when nothing can keep the daemon from starting any more', async () => {
    const target = house('cut = yes', 'action = %(banaction)s[name=sshd]\n         recorded\n')
    target.write('config/action.d/recorded.conf', '[Definition]\nactionban = echo <ip> >> DIR/commands\n')
    const first = await target.serve()
    assert.equal((await target.tocsin('ban', '192.0.2.2', '-j', 'sshd')).exitCode, 0)
    await first.end()
    rmSync(target.at('commands'), { force: true })
    const other = net.createServer().listen({ port: 0, host: '127.0.0.1' })
    await once(other, 'listening')
    const { port: taken } = other.address() as AddressInfo
    target.write('config/tocsin.local', `[api]\nmetrics = 127.0.0.1:${taken}\n`)
    const second = new DaemonProcess(['serve', '-c', target.config])
    assert.equal(await second.ended, 255)
    assert.match(second.output, /Cannot serve metrics/)
    assert.deepEqual([await table(), target.read('commands'), target.leftBehind()], [undefined, '', []])
    other.close()
  })
})
