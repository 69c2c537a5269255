import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { withoutServer } from '../src/fleet/nats/server-kit.js'
import { failures } from './kit/daemon-kit.js'
import { Bridge, type Machine, threeMachines } from './kit/fleet-machines.js'
import { HostileMember } from './kit/hostile-member.js'
import { withoutNetwork } from './kit/two-hosts.js'
import { waitUntil } from './kit/wait-until.js'

const everybody = ['0.0.0.0/0', '0.0.0.0/1', '128.0.0.0/1', '10.0.0.0/8', '::/0', '2000::/3']
const many = Array.from({ length: 100_000 }, (_, n) => `${45 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}.7`)

describe('a machine of the fleet that somebody else has taken over', { skip: withoutNetwork || withoutServer }, () => {
  let honest: Machine[]
  let hub: Machine
  let web1: Machine
  let web2: Machine
  let evil: HostileMember
  let protectedOnes: string[]

  before(async () => {
    const bridge = await Bridge.make()
    ;[hub, web1, web2] = await threeMachines(bridge)
    honest = [hub, web1, web2]
    const taken = await bridge.machine()
    await taken.join(hub, 'evil')
    for (const machine of honest) await machine.untilSaid('evil is in the fleet')
    const names = ['hub', 'web1', 'web2']
    for (const [i, machine] of honest.entries())
      for (const name of names.filter((_, at) => at !== i)) await machine.untilSaid(`${name} is at `)
    evil = await HostileMember.on(taken)
    protectedOnes = [...honest.map(({ address }) => address), Bridge.gateway, '127.0.0.1', '::1']
    // Each says where it is with its heartbeat, five seconds at the latest after its first word.
    for (const [i, machine] of honest.entries()) await machine.ban(`198.51.100.${100 + i}`)
    for (const machine of honest) for (const i of [0, 1, 2]) await machine.untilClosed(`198.51.100.${100 + i}`)
  })

  it('bans nobody who is protected, and not everybody', async () => {
    await evil.ban([...protectedOnes, ...everybody])
    await evil.ban(['198.51.100.1'])
    // Heard after the others, so those have been judged.
    for (const machine of honest) await machine.untilClosed('198.51.100.1')
    for (const machine of honest) {
      const bans = (await machine.house.bans()).map(({ ip }) => ip)
      const table = await machine.table()
      assert.match(table, /[{ ]198\.51\.100\.1 (?:counter|timeout|expires)/)
      for (const ip of [...protectedOnes, ...everybody]) {
        assert.ok(!bans.includes(ip), `${ip} is banned on ${machine.address}`)
        const elements = new RegExp(`[{ ]${ip.replaceAll('.', '\\.')} (?:counter|timeout|expires)`)
        assert.doesNotMatch(table, elements)
      }
    }
    assert.match(await hub.fleet('log', '--node', 'evil', '--refused'), /0\.0\.0\.0\/0.*wider than/)
  })

  it('does not speak as others, by whatever way, nor as an operator', async () => {
    const heard = evil.listen('bans.web1.>')
    const [told, lifted] = ['198.51.100.2', '198.51.100.3']
    await web1.ban(told, lifted)
    for (const machine of [hub, web2]) await machine.untilClosed(lifted)
    await waitUntil(() => heard.length > 0, 'what web1 has told is heard')
    assert.equal((await web1.house.tocsin('unban', lifted)).exitCode, 0)
    for (const machine of honest) await machine.untilOpen(lifted)
    for (const { subject, body } of [...heard]) await evil.throughReply(subject, body)
    const place = 'bans.web1.4.198.51.100.4'
    await evil.throughReply(place, evil.forged('198.51.100.4', { node: 'web1', subject: place }))
    await evil.throughReply(place, evil.forged('198.51.100.4', { node: 'evil', subject: 'bans.evil.4.198.51.100.4' }))
    const control = 'ctl.unban.4.198.51.100.2'
    await evil.throughReply(control, evil.forged(told, { node: 'evil', subject: control }))
    await evil.ban(['198.51.100.5'])
    for (const machine of honest) await machine.untilClosed('198.51.100.5')
    for (const machine of honest) {
      assert.equal(await machine.house.isBanned('198.51.100.4'), false)
      assert.equal(await machine.house.isBanned(lifted), false)
      assert.ok(await machine.house.isBanned(told))
    }
    await web1.untilSaid(/Somebody tells in our name|What somebody has told in our name is refused/)
  })

  it('fills no kernel: what is beyond its share is held, and it is in quarantine', async () => {
    const sent = await evil.ban(many)
    for (const machine of honest) await machine.untilSaid('evil is in quarantine (rate)')
    // Once more, and what it said a week ago.
    for (const { subject, body } of sent.slice(0, 10)) await evil.send(subject, body)
    await evil.ban(['198.51.100.6'], Date.now() - 7 * 86_400_000)
    await web1.house.append(failures('198.51.100.7', 3))
    for (const machine of honest) await machine.untilClosed('198.51.100.7')
    for (const machine of honest) {
      const bans = await machine.house.bans()
      assert.ok(bans.length < 350, `${bans.length} bans on ${machine.address}`)
      assert.ok(!bans.some(({ ip }) => ip === '198.51.100.6'))
    }
  })

  it('is named, and nothing that it has told has effect, when it goes on to mean harm', async () => {
    await evil.ban(everybody)
    await evil.ban(everybody)
    for (const machine of honest) await machine.untilSaid('evil is in quarantine (harmful)')
    for (const machine of honest) await machine.untilOpen('198.51.100.1')
    assert.match(await hub.fleet('status'), /evil .*in quarantine \(harmful\)/)
    assert.match(await web2.fleet('log', '-n', '500'), /quarantined evil \(harmful\)/)
    await web2.ban('198.51.100.8')
    for (const machine of honest) await machine.untilClosed('198.51.100.8')
    await evil.close()
  })
})
