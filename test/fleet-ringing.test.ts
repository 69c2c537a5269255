// Everyone may ring: by hand, and over HTTP with a token; and what is lifted for all is lifted for who was away, too.
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { freePort } from '../src/fleet/nats/broker-kit.js'
import { withoutServer } from '../src/fleet/nats/server-kit.js'
import { runChild } from '../src/lib/child.js'
import { failures } from './kit/daemon-kit.js'
import { Bridge, joinAll, type Machine } from './kit/fleet-machines.js'
import { withoutNetwork } from './kit/two-hosts.js'
import { waitUntil } from './kit/wait-until.js'

describe('the machines of a fleet', { skip: withoutNetwork || withoutServer }, () => {
  let hub: Machine
  let web1: Machine
  let web2: Machine
  let port: number

  before(async () => {
    const bridge = await Bridge.make()
    port = await freePort()
    hub = await bridge.machine()
    web1 = await bridge.machine({ own: `[api]\nlisten = 127.0.0.1:${port}\n` })
    web2 = await bridge.machine()
    await hub.found()
    await joinAll(hub, { web1, web2 })
  })

  it('ban whom somebody bans on one of them with --fleet', async () => {
    const ip = '198.51.100.51'
    const { exitCode, stdout } = await web1.house.tocsin('ban', ip, '--fleet')
    assert.deepEqual([exitCode, stdout], [0, `${ip} in manual: banned for 1h, and the fleet is told\n`])
    await Promise.all([hub, web2].map((machine) => machine.untilClosed(ip)))
  })

  it('ban whom a program bans on one of them over HTTP', async () => {
    const ip = '198.51.100.52'
    const { stdout } = await web1.house.tocsin('token', 'add', 'shop')
    const token = stdout.trimEnd().split('\n').at(-1) ?? ''
    const request = {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ ips: [ip], durationMs: 60_000 }),
    }
    const program = `console.log(await (await fetch('http://127.0.0.1:${port}/v1/bans', ${JSON.stringify(request)})).text())`
    const argv = [process.execPath, '--input-type=module', '-e', program]
    const answer = await web1.network.within(() => runChild(argv, { timeoutMs: 10_000 }))
    const [outcome] = JSON.parse(answer.stdout)
    assert.deepEqual([outcome.ip, outcome.result, outcome.told], [ip, 'banned', 'now'], answer.stderr)
    await Promise.all([hub, web2].map((machine) => machine.untilClosed(ip)))
  })

  it('lift what is lifted for all when they were away meanwhile, though they have banned it themselves', async () => {
    const ip = '198.51.100.53'
    web2.house.append(failures(ip, 3))
    await web2.untilClosed(ip, 'sshd')
    await Promise.all([hub, web1, web2].map((machine) => machine.untilClosed(ip)))
    await web2.daemon?.end('SIGKILL')
    // Its database knows seconds: what was banned in the second of the lift is taken to be the later of the two.
    const bannedMs = Date.now()
    await waitUntil(() => Date.now() - bannedMs > 1000, 'it is another second')
    await hub.fleet('unban', ip)
    await Promise.all([hub, web1].map((machine) => machine.untilOpen(ip)))
    await web2.serve()
    await web2.untilOpen(ip)
    for (const machine of [hub, web1, web2]) assert.equal(await machine.house.isBanned(ip), false, machine.house.read())
    // Its own word for it was kept by the broker: who comes new hears both.
    await hub.daemon?.end('SIGKILL')
    await hub.serve()
    await hub.untilSaid('What was told meanwhile is known', 2)
    assert.equal(await hub.house.isBanned(ip), false, hub.house.read())
  })
})
