// How far a machine is believed: who was invited as a partner bans nobody alone, and no network, and not for long.
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { withoutServer } from '../src/fleet/nats/server-kit.js'
import { Bridge, type Machine } from './kit/fleet-machines.js'
import { withoutNetwork } from './kit/two-hosts.js'
import { waitUntil } from './kit/wait-until.js'

describe('machines of others, invited as partners', { skip: withoutNetwork || withoutServer }, () => {
  let hub: Machine
  let partners: Machine[]

  const untilHeard = (node: string, ip: string) =>
    waitUntil(
      async () => (await hub.fleet('log', '--node', node)).includes(ip),
      () => `${node}'s word on ${ip} is heard; the log:\n${hub.house.read()}`,
    )
  const endOf = async (ip: string) => {
    const endMs = (await hub.house.bans()).find((ban) => ban.ip === ip)?.endMs
    return endMs ?? assert.fail(`${ip} is banned, and not for ever; its end is ${endMs}`)
  }

  before(async () => {
    const bridge = await Bridge.make()
    hub = await bridge.machine()
    await hub.found()
    partners = []
    for (const name of ['their1', 'their2']) {
      const machine = await bridge.machine()
      const token = (await hub.fleet('invite', name, '--level', 'partner')).split('\n').at(-1) ?? ''
      await machine.fleet('join', token)
      await machine.serve()
      partners.push(machine)
    }
    for (const name of ['their1', 'their2']) await hub.untilSaid(`${name} is in the fleet`)
    for (const machine of partners) await machine.untilConnected()
  })

  it('ban nobody alone, and somebody together', async () => {
    const ip = '198.51.100.1'
    const [one, two] = partners
    await one?.ban(ip)
    await untilHeard('their1', ip)
    assert.equal(await hub.house.isBanned(ip), false)
    assert.equal((await hub.table()).includes(ip), false)
    await two?.ban(ip)
    await hub.untilClosed(ip)
    assert.ok((await hub.table()).includes(ip))
  })

  it('are heard by the partner, too, when the machine that has invited them bans: that one counts alone', async () => {
    await hub.ban('198.51.100.2')
    // They believe each other as far as the invitation of each says: the hub is one of ours.
    for (const machine of partners) await machine.untilClosed('198.51.100.2')
  })

  it('ban no network that is wider than a /24', async () => {
    for (const machine of partners) await machine.ban('198.51.0.0/23', '198.51.100.0/24')
    await hub.untilClosed('198.51.100.0/24')
    assert.equal(await hub.house.isBanned('198.51.0.0/23'), false)
    assert.match(await hub.fleet('log', '--refused'), /their1 .*198\.51\.0\.0\/23.*wider than/)
    const endMs = await endOf('198.51.100.0/24')
    assert.ok(endMs > Date.now(), 'it lasts')
    assert.ok(endMs < Date.now() + 31 * 60_000, 'no longer than the jail bans')
  })
})
