// Somebody new makes a fleet of machines whose daemons run already, and is told what is left to do.
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import type { Status } from '../src/api/operations.js'
import { withoutServer } from '../src/fleet/nats/server-kit.js'
import { failures, House } from './kit/daemon-kit.js'
import { Bridge, type Machine } from './kit/fleet-machines.js'
import { withoutNetwork } from './kit/two-hosts.js'

/** Nobody answers at once. */
const urlOfNobody = 'tls://127.0.0.1:9'
const noJail = /Nobody is banned here by the word of others yet: .*backend = fleet/

describe('machines whose daemons run', { skip: withoutNetwork || withoutServer }, () => {
  let hub: Machine
  let web1: Machine
  let web2: Machine

  const startOf = async ({ house }: Machine) => ((await house.status()) as Status).startedMs
  const invited = async (name: string) => (await hub.fleet('invite', name)).split('\n').at(-1) ?? ''

  before(async () => {
    const bridge = await Bridge.make()
    hub = await bridge.machine()
    web1 = await bridge.machine()
    web2 = await bridge.machine()
    for (const machine of [hub, web1, web2]) await machine.serve()
  })

  it('are a fleet as soon as the commands have ended, and no ban is lifted for that', async () => {
    const ip = '198.51.100.1'
    await web1.ban(ip)
    assert.match(await hub.fleet('init', '--name', 'hub'), /\nThe daemon runs with it, and is connected\n/)
    assert.match(await web1.fleet('join', await invited('web1')), /\nThe daemon runs with it, and is connected$/)
    assert.ok(await web1.house.isBanned(ip))
    assert.ok((await web1.table()).includes(ip))
    web1.house.append(failures('198.51.100.2', 3))
    await hub.untilClosed('198.51.100.2')
  })

  it('go on as they are when it is all said again', async () => {
    const before = [await startOf(hub), await startOf(web1)]
    const made = JSON.parse(await hub.fleet('init', '--json'))
    assert.deepEqual([made.created, made.running, made.connected], [false, true, true])
    const token = await invited('web3')
    const other = await web1.network.within(() => web1.house.tocsin('fleet', 'join', token))
    assert.match(other.stderr, /This machine is web1 in the fleet .* already; to leave it, remove /)
    assert.deepEqual([await startOf(hub), await startOf(web1)], before)
  })

  it('are told when no jail of theirs listens to the others, until one does', async () => {
    const jails = web2.house.read('config/jail.local')
    web2.house.write('config/jail.local', jails.slice(0, jails.indexOf('[fleet]')))
    assert.match(await web2.fleet('join', await invited('web2')), noJail)
    assert.match(await web2.fleet('status'), noJail)
    web2.house.write('config/jail.local', jails)
    assert.equal((await web2.house.tocsin('reload')).exitCode, 0)
    assert.doesNotMatch(await web2.fleet('status'), noJail)
    await web1.ban('198.51.100.3')
    await web2.untilClosed('198.51.100.3')
  })

  it('run on when the configuration would not let them start anew, and say so', async () => {
    const house = new House()
    await house.serve('--simulate')
    house.write('config/jail.local', 'nonsense\n')
    const { exitCode, stdout, stderr } = await house.tocsin('fleet', 'init', '--nats', urlOfNobody, '--name', 'alone')
    assert.match(stderr, /jail\.local:1: [\s\S]*Not restarted: with this configuration it would not start/)
    assert.match(stdout, /\nNext: tocsin serve -c /)
    assert.equal(exitCode, 0)
    assert.ok(await house.status())
  })

  it('say why there is no way to the others to one who was revoked', async () => {
    assert.match(await hub.fleet('revoke', 'web2'), /web2 is revoked: the broker has cut it off/)
    await web2.untilSaid(/No way to the others: the broker refuses this machine \(.*\): was it revoked/)
    assert.match(await web2.fleet('status'), /no way to the others at present: the broker refuses this machine/)
    assert.ok(await web2.house.isBanned('198.51.100.3'), 'it goes on protecting itself')
  })

  it('are told that nobody can join while no daemon runs', async () => {
    await hub.daemon?.end()
    const { exitCode, stdout, stderr } = await hub.house.tocsin('fleet', 'invite', 'web4')
    assert.equal(exitCode, 0)
    assert.match(stderr, /^No daemon is running here, so nobody can join yet: tocsin serve$/m)
    assert.match(stdout.trimEnd().split('\n').at(-1) ?? '', /^tocsin-invite-\S+$/)
    await web1.untilSaid('No way to the others')
    assert.match(await web1.fleet('status'), /no way to the others at present: /)
  })
})

it('a machine whose transport is local is in no fleet', async () => {
  const house = new House({ own: '[fleet]\ntransport = local\n' })
  await house.serve('--simulate')
  assert.match((await house.tocsin('fleet', 'status')).stderr, /This machine is in no fleet/)
  const { exitCode, stderr, stdout } = await house.tocsin('ban', '203.0.113.9', '--fleet')
  assert.equal(exitCode, 1)
  assert.match(stdout + stderr, /this machine is in no fleet/)
  assert.equal((await house.tocsin('ban', '203.0.113.9')).exitCode, 0)
  const made = await house.tocsin('fleet', 'init', '--nats', urlOfNobody, '--name', 'web')
  assert.match(
    made.stderr,
    /tocsin\.local has a \[fleet\] section, which is left as it is; it should say: transport = nats/,
  )
})
