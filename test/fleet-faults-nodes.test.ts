import assert from 'node:assert/strict'
import { cpSync, existsSync, rmSync } from 'node:fs'
import { before, describe, it } from 'node:test'
import { withoutServer } from '../src/fleet/nats/server-kit.js'
import { Bridge, type Machine, threeMachines } from './kit/fleet-machines.js'
import { withoutNetwork } from './kit/two-hosts.js'

const skewLibrary = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1'
const withoutSkew = existsSync(skewLibrary) ? false : 'needs libfaketime (apt-get install faketime)'

/** The clock of whoever is started with this is wrong by so many seconds; what measures time goes right. */
const skewed = (seconds: string) => ({
  LD_PRELOAD: skewLibrary,
  FAKETIME: seconds,
  FAKETIME_DONT_FAKE_MONOTONIC: '1',
  FAKETIME_NO_CACHE: '1',
})

/** A daemon that runs from the copy goes on where the copied one was. */
function copyState(from: Machine, to: { config: string; state: string }): void {
  for (const [name, target] of [
    ['config/fleet', to.config],
    ['state', to.state],
  ] as const) {
    rmSync(target, { recursive: true, force: true })
    cpSync(from.house.at(name), target, { recursive: true })
  }
}

describe('a fleet', { skip: withoutNetwork || withoutServer }, () => {
  let bridge: Bridge
  let hub: Machine
  let web1: Machine
  let web2: Machine

  before(async () => {
    bridge = await Bridge.make()
    ;[hub, web1, web2] = await threeMachines(bridge)
  })

  it('understands a machine whose clock is wrong by ten minutes', { skip: withoutSkew }, async () => {
    for (const [seconds, told, heard] of [
      ['-600', '198.51.100.4', '198.51.100.40'],
      ['+600', '198.51.100.5', '198.51.100.50'],
    ] as const) {
      await web1.daemon?.end()
      await web1.serve(skewed(seconds))
      await web1.ban(told)
      await web2.ban(heard)
      await Promise.all([hub.untilClosed(told), web2.untilClosed(told), web1.untilClosed(heard)])
      assert.equal((await web1.house.tocsin('unban', told)).exitCode, 0)
      assert.equal((await web2.house.tocsin('unban', heard)).exitCode, 0)
      await Promise.all([hub, web1, web2].flatMap((machine) => [machine.untilOpen(told), machine.untilOpen(heard)]))
    }
    await web1.daemon?.end()
    await web1.serve()
  })

  it('hears a machine that came back from an old disk image', async () => {
    const [before, after] = ['198.51.100.6', '198.51.100.7']
    await web1.daemon?.end()
    const image = { config: web1.house.at('image/fleet'), state: web1.house.at('image/state') }
    copyState(web1, image)
    await web1.serve()
    for (const ip of [before, '198.51.100.61', '198.51.100.62']) await web1.ban(ip)
    await hub.untilClosed('198.51.100.62')
    await web1.daemon?.end('SIGKILL')
    rmSync(web1.house.at('state'), { recursive: true })
    cpSync(image.state, web1.house.at('state'), { recursive: true })
    cpSync(image.config, web1.house.at('config/fleet'), { recursive: true })
    const connections = web1.house.read().split('Connected to the fleet').length
    await web1.serve()
    await web1.untilConnected(connections)
    await web1.ban(after)
    await Promise.all([hub, web2].map((machine) => machine.untilClosed(after)))
    assert.ok(await hub.house.isBanned(before))
    assert.doesNotMatch(hub.house.read(), /Two speak with the key/)
  })

  it('holds nothing back of what the others have banned meanwhile', async () => {
    const ips = [1, 2, 3, 4, 5, 6].map((n) => `198.51.100.${90 + n}`)
    await web1.daemon?.end()
    await hub.ban(...ips)
    await web2.untilClosed(ips.at(-1) ?? '')
    web1.house.append('[protect]\nbudget = 3\n', 'config/tocsin.local')
    await web1.serve()
    for (const ip of ips) await web1.untilClosed(ip)
  })

  it('names a machine whose key two machines have', async () => {
    const twin = await bridge.machine()
    copyState(web2, { config: twin.house.at('config/fleet'), state: twin.house.at('state') })
    twin.house.append('[fleet]\ntransport = nats\n', 'config/tocsin.local')
    await twin.serve()
    await twin.untilConnected()
    for (let n = 1; n <= 3; n++) await Promise.all([web2.ban(`198.51.100.${70 + n}`), twin.ban(`198.51.100.${80 + n}`)])
    await Promise.all([hub, web1].map((machine) => machine.untilSaid(/Two speak with the key of web2/)))
    await web2.untilSaid(/Somebody tells in our name|Two speak with our own key/)
    assert.match(await hub.fleet('log', '--node', 'web2', '--refused'), /web2/)
  })
})
