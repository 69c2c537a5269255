import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import type { FleetModeOutcome, FleetModeView, FleetView } from '../src/api/fleet-operations.js'
import { withoutServer } from '../src/fleet/nats/server-kit.js'
import { Bridge, type Machine, threeMachines } from './kit/fleet-machines.js'
import { withoutNetwork } from './kit/two-hosts.js'
import { waitUntil } from './kit/wait-until.js'

const [early, late, last] = ['198.51.100.21', '198.51.100.22', '198.51.100.23']

describe('the mode of a fleet', { skip: withoutNetwork || withoutServer }, () => {
  let hub: Machine
  let web1: Machine
  let web2: Machine

  const modeOf = async (machine: Machine): Promise<FleetModeView> => JSON.parse(await machine.fleet('mode', '--json'))
  const untilMode = (machine: Machine, mode: string) =>
    waitUntil(
      async () => (await modeOf(machine)).mode === mode,
      () => `it is ${mode}:\n${machine.house.read()}`,
    )
  const untilKnown = (machine: Machine, words: number) =>
    waitUntil(
      async () => (JSON.parse(await machine.fleet('status', '--json')) as FleetView).words === words,
      () => `it knows ${words} words:\n${machine.house.read()}`,
    )

  before(async () => {
    ;[hub, web1, web2] = await threeMachines(await Bridge.make())
    await web1.ban(early)
    await Promise.all([hub, web2].map((machine) => machine.untilClosed(early)))
  })

  it('off: what others tell has no effect anywhere, and what it had is lifted', async () => {
    const outcome: FleetModeOutcome = JSON.parse(await hub.fleet('mode', 'off', '--json'))
    assert.deepEqual([outcome.mode, outcome.toldOthers], ['off', 'now'])
    await Promise.all([hub, web2].map((machine) => machine.untilOpen(early)))
    await untilMode(web1, 'off')
    assert.ok(await web1.house.isBanned(early), 'its own bans stand')
    await web1.ban(late)
    for (const machine of [hub, web2]) {
      await untilKnown(machine, 2)
      assert.ok(!(await machine.house.isBanned(late)))
    }
    assert.match((await web2.house.tocsin('status')).stdout, /Fleet: .*; the mode is off/)
    assert.match(await web2.fleet('log'), /accepted operator ctl\.mode \(mode off\)/)
    const drill = await web2.house.tocsin('drill')
    assert.match(drill.stdout, /hub .*refused: the fleet is off here/)
  })

  it('simulate: decided and logged only; who was away hears of it when it is back', async () => {
    await web2.daemon?.end('SIGKILL')
    assert.match(await hub.fleet('mode', 'simulate'), /The mode is simulate: .* All others are told/)
    await web2.serve()
    await untilMode(web2, 'simulate')
    await untilKnown(web2, 2)
    await web1.ban(last)
    await web2.untilSaid(`Would ban ${last} (web1: `)
    assert.deepEqual(
      (await web2.house.bans()).filter(({ jail }) => jail === 'fleet'),
      [],
    )
    assert.match(
      await web2.fleet('status'),
      /The mode is simulate: .* \(simulate for all since .*\); 3 would be banned/,
    )
  })

  it('enforce: what is known by then has effect, and again after a restart', async () => {
    await hub.fleet('mode', 'enforce')
    for (const ip of [early, late, last]) await Promise.all([hub, web2].map((machine) => machine.untilClosed(ip)))
    await web2.daemon?.end('SIGKILL')
    await web2.serve()
    assert.equal((await modeOf(web2)).mode, 'enforce')
    await web2.untilClosed(last)
  })

  it('is set for one machine by its own operator, for all by the one who has the key', async () => {
    assert.match(await web2.fleet('mode', 'off', '--here'), /The mode is off: .* off by --here\)$/)
    await web2.untilOpen(last)
    assert.ok(await hub.house.isBanned(last))
    await web2.daemon?.end('SIGKILL')
    await web2.serve()
    assert.equal((await modeOf(web2)).here, 'off')
    await web2.fleet('mode', 'enforce', '--here')
    await web2.untilClosed(last)
    web2.house.append('mode = simulate\n', 'config/tocsin.local')
    assert.equal((await web2.house.tocsin('reload')).exitCode, 0)
    await web2.untilOpen(last)
    const { exitCode, stderr } = await web1.house.tocsin('fleet', 'mode', 'off')
    assert.equal(exitCode, 1)
    assert.match(stderr, /There is no operator's key/)
    assert.equal((await web1.house.tocsin('fleet', 'mode', 'on')).exitCode, 2)
  })
})
