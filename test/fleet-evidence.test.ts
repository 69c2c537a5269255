import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { before, describe, it } from 'node:test'
import { freePort } from '../src/fleet/nats/broker-kit.js'
import { withoutServer } from '../src/fleet/nats/server-kit.js'
import { runChild } from '../src/lib/child.js'
import { root } from './kit/build.js'
import { atTheEnd, failures, House, onlySshd } from './kit/daemon-kit.js'
import { waitUntil } from './kit/wait-until.js'

/** Both readings of "three failures on two machines", each as a jail, as jail.conf has them for who wants them. */
const rules = { 'in-all': shown('Or, instead of that maxretry'), 'on-each': shown('Or: three failures') }

/** The lines behind that remark, put into use. */
function shown(remark: string): string {
  const shipped = readFileSync(path.join(root, 'config/jail.conf'), 'utf8')
  const [, lines] = new RegExp(`\\n# ${remark}.*\\n((?:#\\w+ = .*\\n)+)`).exec(shipped) ?? []
  return (lines ?? assert.fail(`jail.conf shows ${remark}`)).replaceAll(/^#/gm, '')
}

function newHouse(): House {
  const quorums = Object.entries(rules).map(
    ([name, rule]) =>
      `[${name}]\nenabled = true\nbackend = fleet\nfindtime = 30m\nbanaction = %(banaction_allports)s\n${rule}`,
  )
  return new House({ jails: `${onlySshd('maxretry = 20')}${quorums.join('')}` })
}

describe('failures that several machines have seen', { skip: withoutServer }, () => {
  const [hub, web1, web2] = [newHouse(), newHouse(), newHouse()]
  const all = [hub, web1, web2]

  const fleet = async (house: House, ...words: string[]) => {
    const { exitCode, stdout, stderr } = await house.tocsin('fleet', ...words)
    assert.equal(exitCode, 0, stdout + stderr)
    return stdout
  }
  const start = async (house: House) => {
    const daemon = await house.serve('--simulate')
    atTheEnd(() => daemon.end())
    await house.untilLogged('Connected to the fleet')
  }
  const fail = async (house: House, ip: string, count: number) => {
    const { totalFailed } = await house.jail()
    house.append(failures(ip, count))
    await house.untilCounted(totalFailed + count)
  }
  const untilBannedEverywhere = async (ip: string, jail: keyof typeof rules) => {
    for (const house of all) await house.untilBanned(ip, jail)
  }
  /** The evidence is written down some milliseconds after the ban. */
  const untilItSaysWhy = (ip: string, words: string) =>
    waitUntil(async () => JSON.stringify(await hub.why(ip)).includes(words), `it says why ${ip} is banned`)
  const isBannedAnywhere = async (ip: string, jail: keyof typeof rules) =>
    (await Promise.all(all.map((house) => house.isBanned(ip, jail)))).includes(true)
  /** Everybody has heard what was told so far: a machine's words come in their order, and who is banned by the last of them is banned by all. */
  const untilAllIsHeard = async (witness: string) => {
    await fail(web1, witness, 3)
    await fail(web2, witness, 3)
    await untilBannedEverywhere(witness, 'in-all')
    await untilBannedEverywhere(witness, 'on-each')
  }

  before(async () => {
    const port = await freePort()
    await fleet(hub, 'init', '--yes', '--listen', `127.0.0.1:${port}`, '--name', 'hub', '--fleet', 'test')
    await start(hub)
    for (const [name, house] of Object.entries({ web1, web2 })) {
      const token = (await fleet(hub, 'invite', name)).trimEnd().split('\n').at(-1) ?? ''
      await fleet(house, 'join', token)
      await start(house)
    }
    for (const house of all) for (const name of ['web1', 'web2']) await house.untilLogged(`${name} is in the fleet`)
  })

  it('ban nobody as long as one machine alone has seen them', async () => {
    await fail(web1, '198.51.100.1', 12)
    await untilAllIsHeard('198.51.100.101')
    for (const jail of ['in-all', 'on-each'] as const) assert(!(await isBannedAnywhere('198.51.100.1', jail)))
  })

  it('ban everywhere with maxretry = 3 and minnodes = 2 when two machines have seen three together', async () => {
    await fail(web1, '198.51.100.2', 2)
    await fail(web2, '198.51.100.2', 1)
    await untilBannedEverywhere('198.51.100.2', 'in-all')
    await untilAllIsHeard('198.51.100.102')
    assert(!(await isBannedAnywhere('198.51.100.2', 'on-each')))
    await untilItSaysWhy('198.51.100.2', 'Banned by web1: 2, web2: 1')
  })

  it('ban everywhere with minpernode = 3 and minnodes = 2 when each of two machines has seen three', async () => {
    await fail(web1, '198.51.100.3', 3)
    await fail(web2, '198.51.100.3', 2)
    await untilAllIsHeard('198.51.100.103')
    assert(!(await isBannedAnywhere('198.51.100.3', 'on-each')))
    await fail(web2, '198.51.100.3', 1)
    await untilBannedEverywhere('198.51.100.3', 'on-each')
  })

  it("count together with a machine's ban, on that machine too", async () => {
    const { exitCode, stderr } = await web1.tocsin('ban', '198.51.100.4', '--jail', 'sshd')
    assert.equal(exitCode, 0, stderr)
    await fail(web2, '198.51.100.4', 2)
    await untilBannedEverywhere('198.51.100.4', 'in-all')
  })

  it('count what another program has seen and told by "set sshd attempt"', async () => {
    const client = new URL('../bin/fail2ban-client', import.meta.url).pathname
    const words = ['set', 'sshd', 'attempt', '198.51.100.5', 'the first line', 'the second line']
    const { exitCode, stderr } = await runChild([client, '-s', web1.at('run/fail2ban.sock'), ...words], {
      timeoutMs: 20_000,
    })
    assert.equal(exitCode, 0, stderr)
    await fail(web2, '198.51.100.5', 1)
    await untilBannedEverywhere('198.51.100.5', 'in-all')
    await untilItSaysWhy('198.51.100.5', 'Banned by web1: 2, web2: 1')
  })

  it('let in whom they would not have banned without a machine that is revoked', async () => {
    const [needed, spare] = ['198.51.100.2', '198.51.100.6']
    await fail(web2, spare, 3)
    await fail(hub, spare, 2)
    await fail(web1, spare, 2)
    await untilBannedEverywhere(spare, 'in-all')
    await untilAllIsHeard('198.51.100.106')
    const others = [hub, web1]
    for (const house of others)
      for (const ip of [needed, spare])
        await waitUntil(async () => JSON.stringify(await house.why(ip)).includes('Banned by'), `${ip} is written down`)
    await fleet(hub, 'revoke', 'web2')
    for (const house of others) {
      await waitUntil(async () => !(await house.isBanned(needed, 'in-all')), `${needed} is let in`)
      assert(await house.isBanned(spare, 'in-all'))
    }
  })
})
