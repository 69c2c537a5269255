import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import type { FleetDrillOutcome } from '../src/api/fleet-operations.js'
import { withoutServer } from '../src/fleet/nats/server-kit.js'
import { Bridge, type Machine, threeMachines } from './kit/fleet-machines.js'
import { withoutNetwork } from './kit/two-hosts.js'
import { waitUntil } from './kit/wait-until.js'

describe('a drill', { skip: withoutNetwork || withoutServer }, () => {
  let hub: Machine
  let web1: Machine
  let web2: Machine

  const drilled = async (machine: Machine, ...words: string[]): Promise<FleetDrillOutcome & { code: unknown }> => {
    const { exitCode, stdout, stderr } = await machine.house.tocsin('drill', '--json', ...words)
    assert.notEqual(stdout, '', stderr)
    return { ...JSON.parse(stdout), code: exitCode }
  }
  const results = ({ machines }: FleetDrillOutcome) => machines.map(({ name, result }) => `${name} ${result}`)

  before(async () => {
    ;[hub, web1, web2] = await threeMachines(await Bridge.make())
  })

  it('shuts an address of nobody out on every machine, for a moment, and leaves no trace', async () => {
    const outcome = await drilled(web1, '--for', '3s')
    assert.deepEqual(results(outcome), ['web1 closed', 'hub closed', 'web2 closed'])
    assert.equal(outcome.code, 0)
    assert.match(outcome.ip, /^203\.0\.113\.\d+$/)
    assert.ok(outcome.machines.every(({ ms, tookMs }) => ms !== null && tookMs !== null && ms >= tookMs))
    for (const machine of [hub, web1, web2]) assert.ok((await machine.table()).includes(outcome.ip))
    for (const { house } of [hub, web1, web2]) {
      await waitUntil(async () => !(await house.isBanned(outcome.ip)), 'it is over')
      assert.doesNotMatch(house.read(), /Ban 203\.0\.113/)
      assert.deepEqual((await house.why(outcome.ip)).bans, [])
    }
    assert.match(await web2.fleet('log'), /web1 call\.web1 \(drill with 203\.0\.113\.\d+ for 3 s\)/)
  })

  it('says in words who had it after how many milliseconds', async () => {
    const { exitCode, stdout } = await web2.house.tocsin('drill')
    const expected =
      /is banned for 10s[\s\S]*\nweb2 .* ms[\s\S]*3 of 3 machines have it in the kernel: p50 [\d.]+ ms, p99 [\d.]+ ms, worst/
    assert.match(stdout, expected)
    assert.equal(exitCode, 0)
    assert.match((await web2.house.tocsin('drill', '--for', '2m')).stderr, /--for 2m is not a time from 1s to 60s/)
  })

  it('says who only simulates, who refuses, and who is missing', async () => {
    await web2.daemon?.end()
    web2.daemon = await web2.network.within(() => web2.house.serve('--simulate'))
    await web2.untilConnected(2)
    await web1.daemon?.end('SIGKILL')
    const outcome = await drilled(hub)
    assert.deepEqual(results(outcome), ['hub closed', 'web1 missing', 'web2 simulated'])
    assert.equal(outcome.code, 1)
  })
})
