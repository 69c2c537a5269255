import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { before, describe, it } from 'node:test'
import type { FleetDrillOutcome, FleetView } from '../src/api/fleet-operations.js'
import { parseIp } from '../src/domain/address.js'
import { newAnswer, newCall } from '../src/fleet/calls/call.js'
import { freePort } from '../src/fleet/nats/broker-kit.js'
import { withoutServer } from '../src/fleet/nats/server-kit.js'
import { version } from '../src/lib/version.js'
import { atTheEnd, House } from './kit/daemon-kit.js'
import { Bridge, type Machine, threeMachines } from './kit/fleet-machines.js'
import { HostileMember } from './kit/hostile-member.js'
import { withoutNetwork } from './kit/two-hosts.js'
import { waitUntil } from './kit/wait-until.js'

describe('a fleet that is looked at', { skip: withoutNetwork || withoutServer }, () => {
  let bridge: Bridge
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
    bridge = await Bridge.make()
    ;[hub, web1, web2] = await threeMachines(bridge)
  })

  it('drills: it shuts an address of nobody out on every machine, for a moment, and leaves no trace', async () => {
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

  it('says after a drill in words who had it after how many milliseconds', async () => {
    const { exitCode, stdout } = await web2.house.tocsin('drill')
    const expected =
      /is banned for 10s[\s\S]*\nweb2 .* ms[\s\S]*3 of 3 machines have it in the kernel: p50 [\d.]+ ms, p99 [\d.]+ ms, worst/
    assert.match(stdout, expected)
    assert.equal(exitCode, 0)
    assert.match((await web2.house.tocsin('drill', '--for', '2m')).stderr, /--for 2m is not a time from 1s to 60s/)
  })

  it('shows of each machine its version, what it enforces, and how far away it is', async () => {
    await web1.ban('198.51.100.41', '198.51.100.42')
    await Promise.all([hub, web2].map((machine) => machine.untilClosed('198.51.100.42')))
    // web1 has them by its own word, too. A drill of before may not be over, with all of them.
    let members: FleetView['members'] = []
    const isSame = async () => {
      ;({ members } = await web2.house.json<FleetView>('fleet', 'status'))
      return new Set(members.map(({ live }) => live)).size === 1
    }
    await waitUntil(isSame, () => `all have as many: ${JSON.stringify(members)}`)
    for (const { name, version: told, live, enforced, simulates, mode, lagMs } of members) {
      assert.ok(live !== null && live >= 2 && live <= 5, `${name}: ${live}`)
      assert.deepEqual([told, enforced, simulates, mode], [version, live, false, 'enforce'])
      assert.equal(lagMs === null, name === 'web2')
    }
    assert.match(await web2.fleet('status'), new RegExp(`\\nhub +own +${version} +\\d of \\d +[\\d.]+ ms`))
  })

  it('shows that again and again', async () => {
    const lines = await watched(web2, '--json')
    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as FleetView).members.length),
      [3, 3],
    )
    const screen = await web2.house.atTerminal(['fleet', 'status', '--watch'], 'Fleet ', '\x03')
    assert.match(screen, /\x1b\[H\x1b\[J.*\d\d:\d\d:\d\d[\s\S]*\nFleet/)
  })

  it('goes on without one that is gone, and with one that only simulates', async () => {
    await web2.daemon?.end()
    web2.daemon = await web2.network.within(() => web2.house.serve('--simulate'))
    await web2.untilConnected(2)
    await web1.daemon?.end('SIGKILL')
    const text = await hub.fleet('status')
    assert.match(text, /\nweb1 .* of .*\n/, 'what it last said of itself')
    assert.match(text, /\nweb2 +own +\S+ +none of \d, simulates/)
  })

  it('says who is missing and who only simulates; nobody drills with what is not for drills, or answers for others', async () => {
    const taken = await bridge.machine()
    await taken.join(hub, 'evil')
    await hub.untilSaid('evil is in the fleet')
    const evil = await HostileMember.on(taken)
    const order = async (ip: string, forMs: number, n: number) => {
      const id = `evil-${ip.replaceAll(/\W/g, '-')}-${forMs}-${n}`.padEnd(20, '-')
      const { subject, body } = newCall({ id, drill: { ip: parseIp(ip) ?? assert.fail(), forMs } }, evil.signer)
      await evil.send(subject, body)
    }
    for (const ip of ['9.9.9.9', '0.0.0.0/0', '198.51.100.0/24', hub.address]) await order(ip, 10_000, 0)
    await order('203.0.113.5', 3_600_000, 0)
    for (let n = 0; n < 100; n++) await order(`198.51.100.${100 + n}`, 60_000, n)
    await hub.untilSaid('Drill of evil: 198.51.100.102')
    const refused = async () => (await hub.fleet('log', '--node', 'evil', '--refused')).split('\n')
    await waitUntil(
      async () => (await refused()).some((line) => line.includes('more than 6 drills')),
      'they are refused',
    )
    const drills = (await hub.house.bans()).filter(({ jail }) => jail === 'manual').map(({ ip }) => ip)
    assert.deepEqual(
      drills.filter((ip) => !/^203\.0\.113\./.test(ip)).sort(),
      [100, 101, 102].map((n) => `198.51.100.${n}`),
    )
    for (const text of ['9.9.9.9', '0.0.0.0/0', '198.51.100.0/24', hub.address, '203.0.113.5 for 3600 s'])
      assert.ok(
        (await refused()).some((line) => line.includes(`drill with ${text}`)),
        text,
      )

    const calls = evil.listen('call.hub')
    const outcome = drilled(hub)
    await waitUntil(() => calls.length > 0, 'the call is heard')
    const [{ p }] = [JSON.parse(Buffer.from(calls[0]?.body ?? '').toString()) as { p: { id: string } }]
    const facts = { version: '9.9.9', live: 1, enforced: 1, simulates: false, mode: 'enforce' } as const
    const { body } = newAnswer('hub', { of: p.id, tookMs: 1, facts, drill: { result: 'closed' } }, evil.signer)
    for (const subject of ['answer.hub.web1', 'answer.hub.evil', 'answer.hub.evil']) await evil.send(subject, body)
    await evil.throughReply('answer.hub.web1', body)
    const { code, ...told } = await outcome
    assert.deepEqual(results(told), ['hub closed', 'evil closed', 'web1 missing', 'web2 simulated'])
    assert.equal(code, 1)
    await evil.close()
  })
})

/** The first two lines. */
async function watched({ house }: Machine, ...words: string[]): Promise<string[]> {
  const child = spawn(process.execPath, ['bin/tocsin', 'fleet', 'status', '--watch', '-c', house.config, ...words])
  atTheEnd(() => child.kill('SIGKILL'))
  const lines: string[] = []
  for await (const line of createInterface(child.stdout)) if (lines.push(line) === 2) break
  child.kill()
  return lines
}

it('a drill goes by a shared file, too, as fast as the file is read', async () => {
  const [first, second] = [new House(), new House()]
  const good = async (house: House, ...words: string[]) => {
    const { exitCode, stdout, stderr } = await house.tocsin(...words)
    assert.equal(exitCode, 0, stdout + stderr)
    return stdout.trim()
  }
  await good(first, 'fleet', 'init', '--file', first.at('newbans.log'), '--name', 'first', '--address', '127.0.0.1')
  const enrol = `enrol = 127.0.0.1:${await freePort()}\n`
  first.write('config/tocsin.local', first.read('config/tocsin.local').replace(/enrol = .*\n/, enrol))
  await first.serve('--simulate')
  await good(second, 'fleet', 'join', (await good(first, 'fleet', 'invite', 'second')).split('\n').at(-1) ?? '')
  await second.serve('--simulate')
  for (const house of [first, second]) await house.untilLogged('Connected to the fleet')
  await second.untilLogged('second is in the fleet')
  const { machines } = await second.json<FleetDrillOutcome>('drill')
  assert.deepEqual(
    machines.map(({ name, result }) => `${name} ${result}`),
    ['second simulated', 'first simulated'],
  )
  const { members } = await second.json<FleetView>('fleet', 'status')
  assert.ok(members.every((member) => member.version === version))
})
